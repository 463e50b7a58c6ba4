#include "store/location.h"

#include <algorithm>

#include "base/hex.h"
#include "base/strings.h"

namespace sarai::store {
namespace {

constexpr size_t kMaxKeyBytes = 1024;  // S3's own bound
constexpr size_t kMinBucketBytes = 3, kMaxBucketBytes = 63;

bool HasControlCharacters(std::string_view text) {
  return std::ranges::any_of(text, [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

bool HasDotSegments(std::string_view path) {
  return std::ranges::any_of(Split(path, '/'),
                             [](std::string_view part) { return part == "." || part == ".."; });
}

bool IsBucketName(std::string_view name) {
  if (name.size() < kMinBucketBytes || name.size() > kMaxBucketBytes) return false;
  return std::ranges::all_of(name, [](unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == '_';
  });
}

std::string PercentDecode(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte =
        text[i] == '%' && i + 2 < text.size() ? HexDecode(text.substr(i + 1, 2)) : std::nullopt;
    if (!byte) {
      out += text[i];
      continue;
    }
    out += static_cast<char>(byte->front());
    i += 2;
  }
  return out;
}

Result<Location> ParseS3(const std::string& url, std::string_view rest) {
  const size_t slash = rest.find('/');
  Location location{.scheme = "s3", .bucket = std::string(rest.substr(0, slash))};
  if (slash != std::string_view::npos) location.key = rest.substr(slash + 1);
  if (!IsBucketName(location.bucket)) {
    return Error(Code::kInvalidArgument, "'{}' names no valid bucket: write s3://BUCKET/PREFIX/",
                 url);
  }
  if (location.key.size() > kMaxKeyBytes) {
    return Error(Code::kInvalidArgument, "the key of '{}' is longer than {} bytes", url,
                 kMaxKeyBytes);
  }
  return location;
}

Result<Location> ParseFile(const std::string& url, std::string path) {
  if (!path.starts_with('/')) {
    return Error(Code::kInvalidArgument,
                 "'{}' is not an absolute path: write /abs/dir or file:///abs/dir", url);
  }
  if (HasControlCharacters(path)) {
    return Error(Code::kInvalidArgument, "'{}' contains control characters", url);
  }
  return Location{.scheme = "file", .key = std::move(path)};
}

}  // namespace

Result<Location> ParseLocation(const std::string& url) {
  if (HasControlCharacters(url)) {
    return Error(Code::kInvalidArgument, "the URL '{}' contains control characters", url);
  }
  std::string_view rest = url;
  const size_t colon = rest.find("://");
  if (colon == std::string_view::npos) return ParseFile(url, url);
  const std::string scheme = ToLower(rest.substr(0, colon));
  rest.remove_prefix(colon + 3);
  if (scheme == "s3") return ParseS3(url, rest);
  if (scheme != "file") {
    return Error(Code::kInvalidArgument, "'{}' has an unknown scheme: use s3://, file:// or a path",
                 url);
  }
  if (rest.starts_with("localhost/")) rest.remove_prefix(std::string_view("localhost").size());
  return ParseFile(url, PercentDecode(rest));
}

std::string LocationUrl(const Location& location) {
  if (location.scheme == "s3") return fmt::format("s3://{}/{}", location.bucket, location.key);
  std::string url = "file://";
  for (const char c : location.key) c == '%' ? url += "%25" : url += c;  // ParseLocation decodes
  return url;
}

Result<std::string> JoinKey(const Location& prefix, std::string_view target) {
  const std::string_view given = target;
  if (target.starts_with('/')) target.remove_prefix(1);
  if (target.empty()) {
    return Error(Code::kInvalidArgument, "the target model '{}' names nothing below {}", given,
                 LocationUrl(prefix));
  }
  if (HasControlCharacters(target)) {
    return Error(Code::kInvalidArgument, "a target model must not contain control characters");
  }
  if (prefix.scheme == "file" && HasDotSegments(target)) {
    return Error(Code::kInvalidArgument, "the target model '{}' must not contain '.' or '..' parts",
                 given);
  }
  std::string key = prefix.key;
  if (!key.empty() && !key.ends_with('/')) key += '/';
  key += target;
  if (target.size() > kMaxKeyBytes || (prefix.scheme == "s3" && key.size() > kMaxKeyBytes)) {
    return Error(Code::kInvalidArgument, "the key of a target model is longer than {} bytes",
                 kMaxKeyBytes);
  }
  return key;
}

}  // namespace sarai::store
