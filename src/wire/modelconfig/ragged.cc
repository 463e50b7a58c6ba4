#include "wire/modelconfig/ragged.h"

#include <algorithm>

namespace sarai::modelconfig {
namespace {

using inference::ModelConfig;

template <typename List>
bool HasNamed(const List& tensors, std::string_view name) {
  return std::ranges::any_of(tensors, [&](const auto& tensor) { return tensor.name() == name; });
}

template <typename Batch>
bool HasTarget(const Batch& batch, std::string_view name) {
  return std::ranges::find(batch.target_name(), name) != batch.target_name().end();
}

template <typename Batch>
Status CheckSource(const ModelConfig& config, const Batch& batch) {
  if (batch.source_input_size() != 1)
    return MakeStatus(Code::kInvalidArgument, "it needs one source_input, not {}",
                      batch.source_input_size());
  if (!HasNamed(config.input(), batch.source_input(0)))
    return MakeStatus(Code::kInvalidArgument, "source_input '{}' is no input of the model",
                      batch.source_input(0));
  if (config.max_batch_size() > 0) return {};
  return MakeStatus(Code::kInvalidArgument, "it needs max_batch_size of 1 or more");
}

Status CheckInput(const ModelConfig& config, const inference::BatchInput& batch) {
  SARAI_CHECK_OK(CheckSource(config, batch));
  if (!inference::BatchInput::Kind_IsValid(batch.kind()))
    return MakeStatus(Code::kInvalidArgument, "kind {} is unknown", static_cast<int>(batch.kind()));
  if (batch.data_type() == inference::TYPE_INT32 || batch.data_type() == inference::TYPE_FP32)
    return {};
  return MakeStatus(Code::kInvalidArgument, "data_type {} is neither TYPE_INT32 nor TYPE_FP32",
                    inference::DataType_Name(batch.data_type()));
}

Status CheckOutput(const ModelConfig& config, const inference::BatchOutput& batch) {
  SARAI_CHECK_OK(CheckSource(config, batch));
  for (const std::string& target : batch.target_name())
    if (!HasNamed(config.output(), target))
      return MakeStatus(Code::kInvalidArgument, "target_name '{}' is no output of the model",
                        target);
  return {};
}

}  // namespace

bool IsBatchInput(const ModelConfig& config, std::string_view name) {
  return std::ranges::any_of(config.batch_input(),
                             [&](const auto& batch) { return HasTarget(batch, name); });
}

bool HasOwnBatchShape(const ModelConfig& config, std::string_view name) {
  const bool ragged = std::ranges::any_of(config.input(), [&](const auto& input) {
    return input.name() == name && input.allow_ragged_batch();
  });
  return ragged || std::ranges::any_of(config.batch_output(),
                                       [&](const auto& batch) { return HasTarget(batch, name); });
}

Status CheckRagged(const ModelConfig& config) {
  for (const auto& input : config.input())
    if (input.allow_ragged_batch() && config.max_batch_size() == 0)
      return MakeStatus(Code::kInvalidArgument,
                        "input '{}': allow_ragged_batch needs max_batch_size of 1 or more",
                        input.name());
  for (int i = 0; i < config.batch_input_size(); ++i)
    if (const Status status = CheckInput(config, config.batch_input(i)); !status.ok())
      return status.WithContext(fmt::format("batch_input {}", i));
  for (int i = 0; i < config.batch_output_size(); ++i)
    if (const Status status = CheckOutput(config, config.batch_output(i)); !status.ok())
      return status.WithContext(fmt::format("batch_output {}", i));
  return {};
}

void AddRagged(const ModelConfig& config, ModelSpec& spec) {
  for (int i = 0; i < config.input_size(); ++i)
    spec.inputs[i].ragged = config.input(i).allow_ragged_batch();
  for (const auto& batch : config.batch_input())
    spec.batch_inputs.push_back(
        {.kind = static_cast<BatchInputSpec::Kind>(batch.kind()),  // the same numbers
         .targets = {batch.target_name().begin(), batch.target_name().end()},
         .type = static_cast<DataType>(batch.data_type()),
         .source = batch.source_input_size() > 0 ? batch.source_input(0) : ""});
  for (const auto& batch : config.batch_output()) {
    spec.batch_outputs.push_back(
        {.targets = {batch.target_name().begin(), batch.target_name().end()},
         .source = batch.source_input_size() > 0 ? batch.source_input(0) : ""});
    for (TensorSpec& output : spec.outputs)
      output.ragged = output.ragged || HasTarget(batch, output.name);
  }
}

}  // namespace sarai::modelconfig
