#include "backends/onnxruntime/ort_session_options.h"

#include <array>
#include <optional>

#include "backends/common/parameters.h"

namespace sarai::backends::ort {
namespace {

constexpr std::array kPassedOn = {"session.disable_prepacking", "session.set_denormal_as_zero",
                                  "session.use_device_allocator_for_initializers"};

constexpr int kThreadsMax = 1024;

Status AddEntry(const OrtApi& api, OrtSessionOptions* options, const char* key, bool value) {
  return ToStatus(api, api.AddSessionConfigEntry(options, key, value ? "1" : "0"), During::kStart);
}

Status SetThreads(const OrtApi& api, OrtSessionOptions* options, std::optional<int> threads) {
  if (threads != 1) return ToStatus(api, api.DisablePerSessionThreads(options), During::kStart);
  // A pool of one is no thread at all: the caller's does the work.
  SARAI_CHECK_OK(ToStatus(api, api.SetIntraOpNumThreads(options, 1), During::kStart));
  return ToStatus(api, api.SetInterOpNumThreads(options, 1), During::kStart);
}

}  // namespace

Result<Owned<OrtSessionOptions>> MakeSessionOptions(
    const OrtApi& api, const std::map<std::string, std::string>& parameters) {
  SARAI_TRY(const auto threads, IntParameter(parameters, "intra_op_thread_count", 0, kThreadsMax));
  SARAI_TRY(const auto pattern, FlagParameter(parameters, "enable_mem_pattern"));
  OrtSessionOptions* made = nullptr;
  SARAI_CHECK_OK(ToStatus(api, api.CreateSessionOptions(&made), During::kStart));
  auto options = Own(made, api.ReleaseSessionOptions);
  const auto ok = [&api](OrtStatus* status) { return ToStatus(api, status, During::kStart); };

  SARAI_CHECK_OK(ok(api.SetSessionGraphOptimizationLevel(made, ORT_ENABLE_ALL)));
  SARAI_CHECK_OK(ok(api.DisableCpuMemArena(made)));
  SARAI_CHECK_OK(
      ok(pattern.value_or(false) ? api.EnableMemPattern(made) : api.DisableMemPattern(made)));
  SARAI_CHECK_OK(AddEntry(api, made, "session.use_env_allocators", true));
  SARAI_CHECK_OK(SetThreads(api, made, threads));
  for (const char* key : kPassedOn) {
    SARAI_TRY(const auto value, FlagParameter(parameters, key));
    if (value) SARAI_CHECK_OK(AddEntry(api, made, key, *value));
  }
  return options;
}

}  // namespace sarai::backends::ort
