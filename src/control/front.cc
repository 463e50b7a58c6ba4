#include "control/front.h"

#include <zlib.h>

#include <array>
#include <utility>

#include "base/strings.h"
#include "wire/sigv4/sigv4.h"

namespace sarai::control {
namespace {

constexpr std::array<std::pair<std::string_view, Service>, 2> kTargets = {
    {{"SageMaker.", Service::kSageMaker},
     {"GraniteServiceVersion20100801.", Service::kCloudWatch}}};

constexpr size_t kMaxDepth = 64;

AwsError Unknown(std::string message) {
  return {.shape = "UnknownOperationException", .message = std::move(message)};
}

AwsError Unreadable(const Status& status) {
  return {.shape = "SerializationException", .message = status.message()};
}

Result<std::string> BodyOf(const http::Request& request, uint64_t max_body_bytes) {
  if (request.body.size() > max_body_bytes)
    return Error(Code::kResourceExhausted, "The body has {} bytes, more than the {} allowed.",
                 request.body.size(), max_body_bytes);
  const std::string_view encoding = request.headers.Get("Content-Encoding");
  if (encoding.empty() || EqualsIgnoreCase(encoding, "identity"))
    return std::string(request.body.text());
  if (EqualsIgnoreCase(encoding, "gzip")) return Gunzip(request.body.text(), max_body_bytes);
  return Error(Code::kInvalidArgument, "The Content-Encoding '{}' is not known.", encoding);
}

}  // namespace

awsjson::JsonVersion VersionOf(const http::Request& request) {
  const std::string_view target = request.headers.Get("X-Amz-Target");
  const bool cloudwatch = target.starts_with(kTargets[1].first);
  return cloudwatch ? awsjson::JsonVersion::k1_0 : awsjson::JsonVersion::k1_1;
}

std::expected<ServiceCall, AwsError> ParseCall(const http::Request& request,
                                               uint64_t max_body_bytes,
                                               const std::string& default_region) {
  const std::string_view target = request.headers.Get("X-Amz-Target");
  if (request.method != "POST" || target.empty())
    return std::unexpected(Unknown(fmt::format(
        "No operation is called by {} {} without X-Amz-Target; the AWS JSON protocol is served.",
        request.method, request.target)));
  for (const auto& [prefix, service] : kTargets) {
    if (!target.starts_with(prefix)) continue;
    const auto text = BodyOf(request, max_body_bytes);
    if (!text) return std::unexpected(Unreadable(text.error()));
    auto body = json::ParseObject(*text, {.max_bytes = max_body_bytes, .max_depth = kMaxDepth});
    if (!body) return std::unexpected(Unreadable(body.error()));
    return ServiceCall{service,
                       {.operation = std::string(target.substr(prefix.size())),
                        .region = sigv4::RegionOf(request).value_or(default_region),
                        .body = std::move(*body)}};
  }
  return std::unexpected(Unknown(fmt::format("The operation {} is not served.", target)));
}

Result<std::string> Gunzip(std::string_view bytes, uint64_t max_bytes) {
  constexpr int kGzipWindow = 15 + 16;
  z_stream stream{};
  if (inflateInit2(&stream, kGzipWindow) != Z_OK)
    return Error(Code::kInternal, "zlib can not be used.");
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  std::string text;
  std::array<char, 16 << 10> buffer;
  int state = Z_OK;
  while (state == Z_OK && text.size() <= max_bytes) {
    stream.next_out = reinterpret_cast<Bytef*>(buffer.data());
    stream.avail_out = buffer.size();
    state = inflate(&stream, Z_NO_FLUSH);
    text.append(buffer.data(), buffer.size() - stream.avail_out);
  }
  inflateEnd(&stream);
  if (text.size() > max_bytes)
    return Error(Code::kResourceExhausted, "The body unpacks to more than the {} bytes allowed.",
                 max_bytes);
  if (state != Z_STREAM_END) return Error(Code::kDataLoss, "The body is no whole gzip stream.");
  return text;
}

}  // namespace sarai::control
