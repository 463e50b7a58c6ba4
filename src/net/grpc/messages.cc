#include "net/grpc/messages.h"

#include <memory>
#include <string>
#include <vector>

namespace sarai::net {
namespace {

// Copying this much costs less than sharing it.
constexpr size_t kJoinedBytes = 2048;

grpc::Slice Shared(const Blob& part) {
  auto* const keep = new Blob(part);
  return grpc::Slice(
      const_cast<std::byte*>(part.data()), part.size(),
      [](void* blob) { delete static_cast<Blob*>(blob); }, keep);
}

}  // namespace

Blob ToBlob(const grpc::ByteBuffer& buffer) {
  auto slice = std::make_shared<grpc::Slice>();
  if (!buffer.TrySingleSlice(slice.get()).ok() && !buffer.DumpToSingleSlice(slice.get()).ok())
    return {};
  const auto* const begin = reinterpret_cast<const std::byte*>(slice->begin());
  return {slice, std::span(begin, slice->size())};
}

grpc::ByteBuffer ToByteBuffer(const GrpcMessage& message) {
  std::vector<grpc::Slice> slices;
  std::string joined;
  const auto flush = [&] {
    if (!joined.empty()) slices.emplace_back(joined);
    joined.clear();
  };
  for (const Blob& part : message) {
    if (part.size() <= kJoinedBytes) {
      joined += part.text();
      continue;
    }
    flush();
    slices.push_back(Shared(part));
  }
  flush();
  return {slices.data(), slices.size()};
}

uint64_t ByteCount(const GrpcMessage& message) {
  uint64_t count = 0;
  for (const Blob& part : message) count += part.size();
  return count;
}

GrpcMetadata ToMetadata(const std::multimap<grpc::string_ref, grpc::string_ref>& metadata) {
  GrpcMetadata ours;
  for (const auto& [name, value] : metadata)
    ours.Add(std::string(name.data(), name.size()), std::string(value.data(), value.size()));
  return ours;
}

TimePoint ToTimePoint(gpr_timespec time) {
  if (gpr_time_cmp(time, gpr_inf_future(time.clock_type)) == 0) return TimePoint::max();
  const gpr_timespec left = gpr_time_sub(time, gpr_now(time.clock_type));
  return std::chrono::steady_clock::now() + std::chrono::seconds(left.tv_sec) +
         std::chrono::nanoseconds(left.tv_nsec);
}

gpr_timespec ToTimespec(TimePoint time) {
  if (time == TimePoint::max()) return gpr_inf_future(GPR_CLOCK_MONOTONIC);
  const auto left = time - std::chrono::steady_clock::now();
  return gpr_time_add(
      gpr_now(GPR_CLOCK_MONOTONIC),
      gpr_time_from_nanos(std::chrono::duration_cast<std::chrono::nanoseconds>(left).count(),
                          GPR_TIMESPAN));
}

}  // namespace sarai::net
