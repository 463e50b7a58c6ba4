#include "store/s3_address.h"

#include <algorithm>

#include "base/strings.h"
#include "wire/http/uri.h"

namespace sarai::store {
namespace {

std::string AwsEndpoint(std::string_view region) {
  const std::string_view domain = region.starts_with("cn-") ? "amazonaws.com.cn" : "amazonaws.com";
  return fmt::format("https://s3.{}.{}", region, domain);
}

bool IsRegionName(std::string_view region) {
  return !region.empty() && region.size() <= 64 && std::ranges::all_of(region, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
  });
}

bool IsHostText(std::string_view host) {
  return !host.empty() && std::ranges::all_of(host, [](unsigned char c) {
    return c > 0x20 && c < 0x7f &&
           std::string_view("@?#\\%\"<>").find(static_cast<char>(c)) == std::string_view::npos;
  });
}

// It becomes a part of request lines as it is.
bool IsPathText(std::string_view path) {
  return std::ranges::all_of(path, [](unsigned char c) { return c > 0x20 && c != 0x7f; });
}

std::string_view WithoutDefaultPort(std::string_view scheme, std::string_view host) {
  const std::string_view port = scheme == "https" ? ":443" : ":80";
  if (host.ends_with(port)) host.remove_suffix(port.size());
  return host;
}

}  // namespace

Result<S3Address> MakeS3Address(std::string_view endpoint, S3Addressing addressing,
                                std::string_view region, std::string_view bucket) {
  if (!IsRegionName(region)) {
    return Error(Code::kInvalidArgument, "'{}' is no AWS region", region);
  }
  const bool aws = endpoint.empty();
  const std::string text = aws ? AwsEndpoint(region) : std::string(endpoint);
  const size_t colon = text.find("://");
  S3Address address{.scheme = ToLower(std::string_view(text).substr(0, colon))};
  if (colon == std::string::npos || (address.scheme != "http" && address.scheme != "https")) {
    return Error(Code::kInvalidArgument,
                 "the S3 endpoint '{}' is no URL: write http://HOST:PORT or https://HOST", text);
  }
  std::string_view rest = std::string_view(text).substr(colon + 3);
  while (rest.ends_with('/')) rest.remove_suffix(1);
  const size_t slash = std::min(rest.find('/'), rest.size());
  address.host = ToLower(WithoutDefaultPort(address.scheme, rest.substr(0, slash)));
  address.path_prefix = rest.substr(slash);
  if (!IsHostText(address.host)) {
    return Error(Code::kInvalidArgument, "the S3 endpoint '{}' names no host", text);
  }
  if (!IsPathText(address.path_prefix)) {
    return Error(Code::kInvalidArgument, "the S3 endpoint '{}' has a path that is not encoded",
                 text);
  }
  if (addressing == S3Addressing::kAuto) {
    const bool dotted = bucket.find('.') != std::string_view::npos;
    addressing = aws && !dotted ? S3Addressing::kVirtual : S3Addressing::kPath;
  }
  if (addressing == S3Addressing::kVirtual) {
    address.host = fmt::format("{}.{}", bucket, address.host);
  } else {
    address.path_prefix += '/' + http::PercentEncode(bucket);
  }
  return address;
}

std::string S3Path(const S3Address& address, std::string_view key) {
  if (key.empty() && !address.path_prefix.empty()) return address.path_prefix;
  return address.path_prefix + '/' + http::PercentEncode(key, http::KeepSlash::kYes);
}

std::string S3QueryText(S3Query query) {
  std::ranges::sort(query);
  std::string text;
  for (const auto& [name, value] : query) {
    if (!text.empty()) text += '&';
    text += http::PercentEncode(name) + '=' + http::PercentEncode(value);
  }
  return text;
}

}  // namespace sarai::store
