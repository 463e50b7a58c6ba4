#include <algorithm>
#include <span>

#include "types/tensor.h"
#include "wire/modelconfig/validate.h"

namespace sarai::modelconfig {
namespace {

using inference::ModelWarmup;

constexpr uint32_t kMaxWarmupRuns = 10'000;

bool Fits(std::span<const int64_t> dims, std::span<const int64_t> model) {
  return std::ranges::equal(dims, model, [](int64_t a, int64_t b) { return b == -1 || a == b; });
}

Status CheckAgainstModel(const inference::ModelConfig& config, const std::string& name,
                         const ModelWarmup::Input& input) {
  if (config.input().empty()) return {};  // not known before the model is loaded
  const auto model = std::ranges::find(config.input(), name, &inference::ModelInput::name);
  if (model == config.input().end())
    return MakeStatus(Code::kInvalidArgument, "the model has no such input");
  if (model->data_type() != inference::TYPE_INVALID && model->data_type() != input.data_type())
    return MakeStatus(Code::kInvalidArgument, "it has data_type {}, the model's input has {}",
                      inference::DataType_Name(input.data_type()),
                      inference::DataType_Name(model->data_type()));
  const std::span<const int64_t> dims(input.dims().data(), input.dims_size());
  const std::span<const int64_t> expected(model->dims().data(), model->dims_size());
  if (expected.empty() || Fits(dims, expected)) return {};
  return MakeStatus(Code::kInvalidArgument, "it has dims {}, the model's input has {}",
                    ShapeText(dims), ShapeText(expected));
}

Status CheckInput(const inference::ModelConfig& config, const std::string& name,
                  const ModelWarmup::Input& input) {
  if (input.data_type() == inference::TYPE_INVALID ||
      !inference::DataType_IsValid(input.data_type()))
    return MakeStatus(Code::kInvalidArgument, "it has no data_type");
  const std::span<const int64_t> dims(input.dims().data(), input.dims_size());
  if (std::ranges::any_of(dims, [](int64_t dim) { return dim < 1; }))
    return MakeStatus(Code::kInvalidArgument, "its dims {} are not all 1 or more", ShapeText(dims));
  if (const auto count = ElementCount(dims); !count) return count.error();
  if (input.input_data_type_case() == ModelWarmup::Input::INPUT_DATA_TYPE_NOT_SET)
    return MakeStatus(Code::kInvalidArgument,
                      "it needs one of zero_data, random_data and input_data_file");
  if (input.has_input_data_file())
    SARAI_CHECK_OK(CheckFileName("input_data_file", input.input_data_file()));
  return CheckAgainstModel(config, name, input);
}

Status CheckSample(const inference::ModelConfig& config, const ModelWarmup& sample) {
  const auto largest = static_cast<uint32_t>(std::max(1, config.max_batch_size()));
  if (sample.batch_size() > largest)
    return MakeStatus(Code::kInvalidArgument, "batch_size {} is more than the model's {}",
                      sample.batch_size(), largest);
  if (sample.count() > kMaxWarmupRuns)
    return MakeStatus(Code::kInvalidArgument, "count {} is more than {}", sample.count(),
                      kMaxWarmupRuns);
  for (const auto& [name, input] : sample.inputs())
    if (const Status status = CheckInput(config, name, input); !status.ok())
      return status.WithContext(fmt::format("input '{}'", name));
  return {};
}

}  // namespace

Status CheckWarmup(const inference::ModelConfig& config) {
  for (const ModelWarmup& sample : config.model_warmup())
    if (const Status status = CheckSample(config, sample); !status.ok())
      return status.WithContext(fmt::format("model_warmup '{}'", sample.name()));
  return {};
}

}  // namespace sarai::modelconfig
