// Bodies of the shared-memory calls.
#include "base/base64.h"
#include "wire/json/json.h"
#include "wire/kserve/json_members.h"
#include "wire/kserve/management.h"

namespace sarai::kserve {
namespace {

constexpr size_t kCudaHandleBytes = 64;

Result<uint64_t> SizeOf(const json::ObjectView& object, std::string_view member) {
  SARAI_TRY(const auto value, object.Int(member));
  if (!value)
    return Error(Code::kInvalidArgument, "the shared memory register request has no '{}' field",
                 member);
  if (*value < 0)
    return Error(Code::kInvalidArgument, "'{}' is {}: it must not be negative", member, *value);
  return static_cast<uint64_t>(*value);
}

Result<std::string> HandleOf(const json::ObjectView& object) {
  SARAI_TRY(const auto handle, object.Child("raw_handle"));
  if (!handle)
    return Error(Code::kInvalidArgument,
                 "the shared memory register request has no 'raw_handle' field");
  SARAI_TRY(const std::string text, handle->RequireString("b64"));
  const auto bytes = Base64Decode(text);
  if (!bytes || bytes->size() != kCudaHandleBytes)
    return Error(Code::kInvalidArgument,
                 "'raw_handle' must be a CUDA IPC memory handle: {} bytes in base64",
                 kCudaHandleBytes);
  return std::string(reinterpret_cast<const char*>(bytes->data()), bytes->size());
}

template <typename Region, typename AppendRest>
std::string EncodeList(const std::vector<Region>& regions, AppendRest append_rest) {
  std::string out = "[";
  for (const Region& region : regions) {
    if (out.back() != '[') out += ',';
    out += '{';
    AppendMember(out, "name", region.name);
    append_rest(out, region);
    AppendMember(out, "byte_size", region.byte_size);
    out += '}';
  }
  return out + "]";
}

}  // namespace

Result<SystemRegion> ParseSystemRegister(std::string_view body, std::string name) {
  SARAI_TRY(const auto object, json::ParseObject(body));
  const json::ObjectView view(object);
  SystemRegion region{.name = std::move(name)};
  SARAI_TRY(auto key, view.String("key"));
  if (!key)
    return Error(Code::kInvalidArgument, "the shared memory register request has no 'key' field");
  region.key = std::move(*key);
  if (view.Has("offset")) {
    SARAI_TRY(region.offset, SizeOf(view, "offset"));
  }
  SARAI_TRY(region.byte_size, SizeOf(view, "byte_size"));
  return region;
}

Result<CudaRegion> ParseCudaRegister(std::string_view body, std::string name) {
  SARAI_TRY(const auto object, json::ParseObject(body));
  const json::ObjectView view(object);
  CudaRegion region{.name = std::move(name)};
  SARAI_TRY(region.raw_handle, HandleOf(view));
  SARAI_TRY(const uint64_t device, SizeOf(view, "device_id"));
  region.device_id = static_cast<int64_t>(device);
  SARAI_TRY(region.byte_size, SizeOf(view, "byte_size"));
  return region;
}

std::string EncodeRegions(const std::vector<SystemRegion>& regions) {
  return EncodeList(regions, [](std::string& out, const SystemRegion& region) {
    AppendMember(out, "key", region.key);
    AppendMember(out, "offset", region.offset);
  });
}

std::string EncodeRegions(const std::vector<CudaRegion>& regions) {
  return EncodeList(regions, [](std::string& out, const CudaRegion& region) {
    AppendMember(out, "device_id", region.device_id);
  });
}

}  // namespace sarai::kserve
