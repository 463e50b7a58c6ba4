#include "backends/openvino/ov_options.h"

#include <algorithm>
#include <array>
#include <openvino/runtime/properties.hpp>
#include <optional>
#include <string_view>
#include <thread>
#include <utility>

#include "backends/common/parameters.h"
#include "base/strings.h"

namespace sarai::backends::openvino {
namespace {

using Texts = std::map<std::string, std::string>;

constexpr int kThreadsMax = 1024;

// The parameter in lower case; nothing when absent or empty.
std::optional<std::string> Word(const Texts& parameters, const std::string& name) {
  const auto at = parameters.find(name);
  if (at == parameters.end() || Trim(at->second).empty()) return std::nullopt;
  return ToLower(Trim(at->second));
}

Status Unknown(const Texts& parameters, const std::string& name, std::string_view expected) {
  return MakeStatus(Code::kInvalidArgument, "parameter '{}' is '{}': expected {}", name,
                    parameters.at(name), expected);
}

Status SetPerformance(const Texts& parameters, ov::AnyMap& properties) {
  using Mode = ov::hint::PerformanceMode;
  static constexpr std::array kModes = {
      std::pair{"latency", Mode::LATENCY}, std::pair{"throughput", Mode::THROUGHPUT},
      std::pair{"cumulative_throughput", Mode::CUMULATIVE_THROUGHPUT}};
  const std::string wanted = Word(parameters, "PERFORMANCE_HINT").value_or("latency");
  for (const auto& [name, mode] : kModes) {
    if (wanted != name) continue;
    properties.insert(ov::hint::performance_mode(mode));
    return {};
  }
  return Unknown(parameters, "PERFORMANCE_HINT", "LATENCY, THROUGHPUT or CUMULATIVE_THROUGHPUT");
}

// Runs of one stream wait for each other, so by default there are as many as instances.
Status SetStreams(const ModelSpec& spec, ov::AnyMap& properties) {
  const auto word = Word(spec.parameters, "NUM_STREAMS");
  if (word == "auto") {
    properties.insert(ov::num_streams(ov::streams::AUTO));
    return {};
  }
  if (word == "numa") {
    properties.insert(ov::num_streams(ov::streams::NUMA));
    return {};
  }
  const auto number = IntParameter(spec.parameters, "NUM_STREAMS", 1, kThreadsMax);
  if (!number)
    return Unknown(spec.parameters, "NUM_STREAMS", "AUTO, NUMA or a number from 1 to 1024");
  const int cores = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  if (*number) {
    properties.insert(ov::num_streams(ov::streams::Num(**number)));
  } else if (!spec.parameters.contains("PERFORMANCE_HINT")) {
    properties.insert(ov::num_streams(ov::streams::Num(std::clamp(spec.instance_count, 1, cores))));
  }
  return {};
}

Status CheckNumber(const Texts& parameters, const std::string& name) {
  const auto number = IntParameter(parameters, name, 0, kThreadsMax);
  return number ? Status() : number.error();
}

Status SetThreads(const ModelSpec& spec, int threads, ov::AnyMap& properties) {
  SARAI_TRY(const auto inference,
            IntParameter(spec.parameters, "INFERENCE_NUM_THREADS", 0, kThreadsMax));
  SARAI_CHECK_OK(CheckNumber(spec.parameters, "COMPILATION_NUM_THREADS"));
  const int wanted = inference.value_or(threads);
  if (wanted > 0) properties.insert(ov::inference_num_threads(wanted));
  return {};
}

Status SetPrecision(const Texts& parameters, ov::AnyMap& properties) {
  SARAI_TRY(const auto hint, FlagParameter(parameters, "HINT_BF16"));
  const std::string wanted =
      Word(parameters, "INFERENCE_PRECISION_HINT").value_or(hint.value_or(false) ? "bf16" : "f32");
  for (const auto& type : {ov::element::f32, ov::element::bf16, ov::element::f16}) {
    if (wanted != type.get_type_name()) continue;
    properties.insert(ov::hint::inference_precision(type));
    return {};
  }
  return Unknown(parameters, "INFERENCE_PRECISION_HINT", "f32, bf16 or f16");
}

}  // namespace

Result<ModelOptions> ModelOptions::FromSpec(const ModelSpec& spec, int threads) {
  ModelOptions options;
  SARAI_CHECK_OK(SetPerformance(spec.parameters, options.properties));
  SARAI_CHECK_OK(SetStreams(spec, options.properties));
  SARAI_CHECK_OK(SetThreads(spec, threads, options.properties));
  SARAI_CHECK_OK(SetPrecision(spec.parameters, options.properties));
  SARAI_TRY(const auto reshape, FlagParameter(spec.parameters, "RESHAPE_IO_LAYERS"));
  SARAI_TRY(const auto fixed, FlagParameter(spec.parameters, "SKIP_OV_DYNAMIC_BATCHSIZE"));
  SARAI_TRY(const auto pad, FlagParameter(spec.parameters, "ENABLE_BATCH_PADDING"));
  options.reshape = reshape.value_or(false);
  options.fixed_batch = fixed.value_or(false) && spec.max_batch_size > 0;
  options.pad_batch = pad.value_or(false);
  if (const auto at = spec.parameters.find("TARGET_DEVICE"); at != spec.parameters.end())
    options.device = Trim(at->second);
  if (const auto at = spec.parameters.find("CPU_EXTENSION_PATH"); at != spec.parameters.end())
    options.extension_path = Trim(at->second);
  return options;
}

}  // namespace sarai::backends::openvino
