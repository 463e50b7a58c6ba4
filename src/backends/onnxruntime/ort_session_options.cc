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

GraphOptimizationLevel LevelOf(int graph_level) {
  switch (graph_level) {
    case -1: return ORT_ENABLE_BASIC;
    case 1: return ORT_ENABLE_EXTENDED;
    case 2: return ORT_DISABLE_ALL;
    default: return ORT_ENABLE_ALL;
  }
}

Status AddOperations(const OrtApi& api, OrtSessionOptions* options,
                     const std::vector<std::string>& libraries) {
  for (const std::string& file : libraries)
    if (const Status status =
            ToStatus(api, api.RegisterCustomOpsLibrary_V2(options, file.c_str()), During::kStart);
        !status.ok())
      return MakeStatus(Code::kInvalidArgument, "model_operations: '{}': {}", file,
                        status.message());
  return {};
}

}  // namespace

Result<Owned<OrtSessionOptions>> MakeSessionOptions(const OrtApi& api, const ModelSpec& spec) {
  const auto& parameters = spec.parameters;
  SARAI_TRY(const auto threads, IntParameter(parameters, "intra_op_thread_count", 0, kThreadsMax));
  SARAI_TRY(const auto pattern, FlagParameter(parameters, "enable_mem_pattern"));
  OrtSessionOptions* made = nullptr;
  SARAI_CHECK_OK(ToStatus(api, api.CreateSessionOptions(&made), During::kStart));
  auto options = Own(made, api.ReleaseSessionOptions);
  const auto ok = [&api](OrtStatus* status) { return ToStatus(api, status, During::kStart); };

  SARAI_CHECK_OK(ok(api.SetSessionGraphOptimizationLevel(
      made, LevelOf(spec.optimization.graph_level.value_or(0)))));
  SARAI_CHECK_OK(ok(api.DisableCpuMemArena(made)));
  SARAI_CHECK_OK(
      ok(pattern.value_or(false) ? api.EnableMemPattern(made) : api.DisableMemPattern(made)));
  SARAI_CHECK_OK(AddEntry(api, made, "session.use_env_allocators", true));
  SARAI_CHECK_OK(SetThreads(api, made, threads));
  SARAI_CHECK_OK(AddOperations(api, made, spec.operation_libraries));
  for (const char* key : kPassedOn) {
    SARAI_TRY(const auto value, FlagParameter(parameters, key));
    if (value) SARAI_CHECK_OK(AddEntry(api, made, key, *value));
  }
  return options;
}

}  // namespace sarai::backends::ort
