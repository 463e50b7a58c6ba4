#include "store/s3_store.h"

#include <algorithm>

#include "base/strings.h"
#include "store/parallel_parts.h"

namespace sarai::store {

constexpr int kPageKeys = 1000;

Result<ObjectInfo> S3Store::Head(const std::string& key) {
  Cancellation never;
  const auto reply = client_.Send({.method = "HEAD", .key = key}, never);
  if (!reply) return Error(Explain(key, reply.error()));
  const auto size = ParseInt(reply->header("content-length"));
  if (!size || *size < 0) {
    return Error(Code::kUnavailable, "S3 does not say how long '{}' is", client_.Url(key));
  }
  if (reply->header("etag").empty()) {
    return Error(Code::kUnimplemented,
                 "S3 gives no ETag for '{}', so its parts cannot be pinned to one version",
                 client_.Url(key));
  }
  return ObjectInfo{
      .key = key, .etag = reply->header("etag"), .size = static_cast<uint64_t>(*size)};
}

Status S3Store::Explain(const std::string& key, const S3Failure& failure) {
  if (failure.http_status != 403 && failure.http_status != 400) return failure.status;
  Cancellation never;
  const auto reply = client_.Send({.key = key, .headers = {{"Range", "bytes=0-0"}}}, never);
  return reply || reply.error().code.empty() ? failure.status : reply.error().status;
}

Status S3Store::Get(const ObjectInfo& info, const ByteSink& sink) {
  const uint64_t parts = info.size == 0 ? 1 : (info.size + part_bytes_ - 1) / part_bytes_;
  return DeliverParts(
      parts, max_parallel_parts_,
      [&](uint64_t index, Cancellation& cancellation) {
        return GetPart(info, index, cancellation);
      },
      [&](const std::string& part) { return sink(std::as_bytes(std::span(part))); });
}

Result<std::string> S3Store::GetPart(const ObjectInfo& info, uint64_t index,
                                     Cancellation& cancellation) {
  const uint64_t first = index * part_bytes_;
  const uint64_t bytes = std::min(part_bytes_, info.size - first);
  S3Call call{.key = info.key, .headers = {{"If-Match", info.etag}}};
  // An empty object has no range that could be asked for.
  if (bytes > 0) {
    call.headers.emplace_back("Range", fmt::format("bytes={}-{}", first, first + bytes - 1));
  }
  constexpr uint64_t kErrorBytes = 64 * 1024;
  call.max_body_bytes = std::max(bytes, kErrorBytes);
  auto reply = client_.Send(call, cancellation);
  if (!reply) return Error(reply.error().status);
  SARAI_CHECK_OK(CheckPart(info, *reply, bytes));
  return std::move(reply->body);
}

Status S3Store::CheckPart(const ObjectInfo& info, const HttpReply& reply,
                          uint64_t expected_bytes) const {
  const std::string& etag = reply.header("etag");
  if (!etag.empty() && etag != info.etag) {
    return MakeStatus(Code::kFailedPrecondition, "'{}' changed while it was read (it is {} now)",
                      client_.Url(info.key), etag);
  }
  if (reply.body.size() == expected_bytes) return {};
  return MakeStatus(Code::kUnavailable, "S3 sent {} bytes of '{}' where {} were asked for",
                    reply.body.size(), client_.Url(info.key), expected_bytes);
}

Result<ListPage> S3Store::List(const std::string& prefix, bool by_folder,
                               const std::string& continuation) {
  S3Call call{.query = {{"list-type", "2"},
                        {"max-keys", fmt::format("{}", kPageKeys)},
                        {"prefix", prefix}}};
  if (by_folder) call.query.emplace_back("delimiter", "/");
  if (!continuation.empty()) call.query.emplace_back("continuation-token", continuation);
  Cancellation never;
  auto reply = client_.Send(call, never);
  if (!reply) return Error(reply.error().status);
  return ParseListPage(reply->body);
}

}  // namespace sarai::store
