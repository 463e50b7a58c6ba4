#include "backends/openvino/ov_runtime.h"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include "backends/common/parameters.h"
#include "base/bytes.h"
#include "base/strings.h"

namespace sarai::backends::openvino {
namespace {

constexpr int kCacheMibMax = 1 << 24;

// Devices made of others, which are not listed.
bool IsVirtual(const std::string& device) {
  return device.starts_with("AUTO") || device.starts_with("HETERO") || device.starts_with("MULTI");
}

Status CheckDevice(const ov::Core& core, const std::string& device) {
  const std::vector<std::string> there = core.get_available_devices();
  if (IsVirtual(device) || std::ranges::find(there, device) != there.end()) return {};
  return MakeStatus(Code::kInvalidArgument,
                    "parameter 'TARGET_DEVICE' is '{}', but OpenVINO finds no such device here; "
                    "there is: {}",
                    device, Join(there, ", "));
}

// "2026.4.1-22982-…" -> "2026.4.1"
std::string ShortVersion(std::string build) { return build.substr(0, build.find('-')); }

}  // namespace

OvRuntime::OvRuntime(CompiledCacheOptions cache, int threads)
    : threads_(threads),
      cache_(std::move(cache)),
      core_(std::make_shared<ov::Core>()),
      version_(ShortVersion(ov::get_openvino_version().buildNumber)) {}

Result<std::shared_ptr<OvRuntime>> OvRuntime::Open(const BackendOptions& options) {
  CompiledCacheOptions cache;
  SARAI_TRY(const auto mib, IntParameter(options.settings, "cache_mib_max", 1, kCacheMibMax));
  if (mib) cache.bytes_max = static_cast<uint64_t>(*mib) * kMiB;
  if (const auto at = options.settings.find("cache_directory"); at != options.settings.end())
    cache.directory = at->second;
  return std::shared_ptr<OvRuntime>(new OvRuntime(std::move(cache), options.intra_op_threads));
}

Result<std::shared_ptr<ov::Core>> OvRuntime::CoreFor(const ModelOptions& options) const {
  SARAI_CHECK_OK(CheckDevice(*core_, options.device));
  if (options.extension_path.empty()) return core_;
  std::error_code error;
  if (!std::filesystem::is_regular_file(options.extension_path, error))
    return Error(Code::kInvalidArgument,
                 "parameter 'CPU_EXTENSION_PATH' is '{}': there is no such file",
                 options.extension_path);
  auto core = std::make_shared<ov::Core>();
  core->add_extension(options.extension_path);
  return core;
}

}  // namespace sarai::backends::openvino
