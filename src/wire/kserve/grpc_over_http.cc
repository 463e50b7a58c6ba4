#include "wire/kserve/grpc_over_http.h"

#include <algorithm>
#include <utility>

#include "base/strings.h"
#include "wire/http/uri.h"

namespace sarai::kserve::grpc {
namespace {

constexpr std::string_view kPath = "/sarai/v1/grpc/";
constexpr std::string_view kMetadataPrefix = "x-sarai-metadata-";
constexpr std::string_view kOwnPrefix = "x-sarai-";
constexpr std::string_view kTimeoutHeader = "x-sarai-grpc-timeout-us";
constexpr std::string_view kStatusHeader = "x-sarai-grpc-status";
constexpr std::string_view kMessageHeader = "x-sarai-grpc-message";
constexpr std::string_view kFramedHeader = "x-sarai-grpc-framed";
constexpr size_t kFrameHeadBytes = 5;
constexpr size_t kMaxMessageText = 4096;  // of a status, in a header

bool IsPrintable(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
}

std::string FrameHeadText(uint8_t kind, size_t size) {
  std::string head(1, static_cast<char>(kind));
  for (int shift = 24; shift >= 0; shift -= 8) head += static_cast<char>(size >> shift);
  return head;
}

// "N text"
Result<CarriedEnd> ReadEnd(std::string_view text) {
  const size_t space = text.find(' ');
  const auto code = ParseInt(text.substr(0, space));
  if (!code || space == std::string_view::npos)
    return Error(Code::kInternal, "a carried call ended without a status");
  return CarriedEnd{.code = static_cast<int>(*code),
                    .message = std::string(text.substr(space + 1))};
}

}  // namespace

http::Request CarryCall(const CarriedCall& call, Blob message) {
  http::Request request{.method = "POST",
                        .target = std::string(kPath.substr(0, kPath.size() - 1)) + call.method,
                        .body = std::move(message)};
  for (const auto& [name, value] : call.metadata.fields())
    if (!name.ends_with("-bin") && IsPrintable(value))
      request.headers.Add(std::string(kMetadataPrefix) + name, value);
  if (call.timeout)
    request.headers.Add(std::string(kTimeoutHeader), fmt::to_string(call.timeout->count()));
  return request;
}

bool IsCarriedCall(std::string_view target) { return target.starts_with(kPath); }

CarriedCall ReadCarriedCall(const http::Request& request) {
  CarriedCall call{.method = request.target.substr(kPath.size() - 1)};
  for (const auto& [name, value] : request.headers.fields()) {
    const std::string lower = ToLower(name);
    if (lower.starts_with(kMetadataPrefix))
      call.metadata.Add(lower.substr(kMetadataPrefix.size()), value);
  }
  constexpr int64_t kLongestUs = int64_t{1} << 52;
  if (const auto timeout = ParseInt(request.headers.Get(kTimeoutHeader)))
    call.timeout = std::chrono::microseconds(std::clamp<int64_t>(*timeout, 0, kLongestUs));
  return call;
}

http::Response CarryAnswer(const CarriedEnd& end, std::vector<Blob> message) {
  http::Response response{.status = HttpStatusOfGrpc(end.code)};
  response.headers.Add("Content-Type", "application/grpc+proto");
  response.headers.Add(std::string(kStatusHeader), fmt::to_string(end.code));
  if (!end.message.empty())
    response.headers.Add(std::string(kMessageHeader),
                         http::PercentEncode(end.message.substr(0, kMaxMessageText)));
  for (const auto& [name, value] : end.trailing.fields())
    if (name.starts_with(kOwnPrefix)) response.headers.Add(name, value);
  response.body = std::move(message);
  return response;
}

http::Response CarryFrames() {
  http::Response response;
  response.headers.Add("Content-Type", "application/grpc+proto");
  response.headers.Add(std::string(kFramedHeader), "1");
  return response;
}

bool IsFramed(const http::Response& response) { return response.headers.Has(kFramedHeader); }

Result<CarriedEnd> ReadCarriedEnd(const http::Response& response) {
  const auto code = ParseInt(response.headers.Get(kStatusHeader));
  if (!code)
    return Error(Code::kInternal, "the instance answered a gRPC call with HTTP status {} alone",
                 response.status);
  CarriedEnd end{.code = static_cast<int>(*code)};
  SARAI_TRY(end.message, http::PercentDecode(response.headers.Get(kMessageHeader)));
  for (const auto& [name, value] : response.headers.fields()) {
    const std::string lower = ToLower(name);
    if (lower.starts_with(kOwnPrefix) && lower != kStatusHeader && lower != kMessageHeader)
      end.trailing.Add(lower, value);
  }
  return end;
}

Blob FrameHead(size_t message_bytes) { return Blob::FromString(FrameHeadText(0, message_bytes)); }

Blob EndFrame(int code, std::string_view message) {
  const std::string text = fmt::format("{} {}", code, message);
  return Blob::FromString(FrameHeadText(1, text.size()) + text);
}

void FrameReader::Add(Blob part) {
  if (part.empty()) return;
  bytes_ += part.size();
  parts_.push_back(std::move(part));
}

Result<std::optional<Frame>> FrameReader::Next() {
  std::string head;
  for (auto part = parts_.begin(); part != parts_.end() && head.size() < kFrameHeadBytes; ++part)
    head += part->text().substr(0, kFrameHeadBytes - head.size());
  if (head.size() < kFrameHeadBytes) return std::nullopt;
  size_t size = 0;
  for (size_t i = 1; i < kFrameHeadBytes; ++i) size = size << 8 | static_cast<uint8_t>(head[i]);
  if (head[0] != 0 && head[0] != 1)
    return Error(Code::kInternal, "a carried call's answer has frames of no known kind");
  if (size > max_frame_bytes_)
    return Error(Code::kInternal, "a carried message has {} bytes, more than the {} allowed", size,
                 max_frame_bytes_);
  if (bytes_ < kFrameHeadBytes + size) return std::nullopt;
  (void)Take(kFrameHeadBytes);
  Frame frame{.is_end = head[0] == 1, .message = Take(size)};
  if (!frame.is_end) return frame;
  SARAI_TRY(frame.end, ReadEnd(frame.message.text()));
  return frame;
}

Blob FrameReader::Take(size_t size) {
  bytes_ -= size;
  if (size == 0) return {};
  std::string joined;  // of a frame that came in several parts
  while (true) {
    Blob& front = parts_.front();
    const size_t count = std::min(size - joined.size(), front.size());
    Blob taken = front.Slice(0, count);
    front = front.Slice(count, front.size() - count);
    if (front.empty()) parts_.erase(parts_.begin());
    if (count == size) return taken;
    joined += taken.text();
    if (joined.size() == size) return Blob::FromString(std::move(joined));
  }
}

int HttpStatusOfGrpc(int code) {
  switch (code) {
    case 0: return 200;
    case 1: return 499;   // CANCELLED
    case 4: return 504;   // DEADLINE_EXCEEDED
    case 5: return 404;   // NOT_FOUND
    case 7: return 403;   // PERMISSION_DENIED
    case 8: return 429;   // RESOURCE_EXHAUSTED
    case 12: return 501;  // UNIMPLEMENTED
    case 13: return 500;  // INTERNAL
    case 14: return 503;  // UNAVAILABLE
    default: return 400;
  }
}

}  // namespace sarai::kserve::grpc
