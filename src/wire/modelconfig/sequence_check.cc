#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <vector>

#include "types/tensor.h"
#include "wire/modelconfig/validate.h"

namespace sarai::modelconfig {
namespace {

using inference::ModelSequenceBatching;
using Control = ModelSequenceBatching::Control;

constexpr std::array kCorrelationIdTypes = {inference::TYPE_UINT64, inference::TYPE_INT64,
                                            inference::TYPE_UINT32, inference::TYPE_INT32,
                                            inference::TYPE_STRING};
constexpr int kMaxCandidates = 1 << 20;

template <typename... Args>
Status Refuse(fmt::format_string<Args...> format, Args&&... args) {
  return MakeStatus(Code::kInvalidArgument, format, std::forward<Args>(args)...);
}

Status CheckCorrelationId(const Control& control) {
  if (control.int32_false_true_size() + control.fp32_false_true_size() +
          control.bool_false_true_size() >
      0)
    return Refuse("CONTROL_SEQUENCE_CORRID has a data_type, not false and true values");
  if (std::ranges::find(kCorrelationIdTypes, control.data_type()) == kCorrelationIdTypes.end())
    return Refuse(
        "CONTROL_SEQUENCE_CORRID has data_type {}; it is one of TYPE_UINT64, TYPE_INT64, "
        "TYPE_UINT32, TYPE_INT32, TYPE_STRING",
        inference::DataType_Name(control.data_type()));
  return {};
}

Status CheckFlag(const Control& control) {
  const std::vector<int> sizes = {control.int32_false_true_size(), control.fp32_false_true_size(),
                                  control.bool_false_true_size()};
  const auto kind = Control::Kind_Name(control.kind());
  if (sizes.size() - static_cast<size_t>(std::ranges::count(sizes, 0)) != 1)
    return Refuse("{} needs exactly one of int32_false_true, fp32_false_true, bool_false_true",
                  kind);
  if (std::ranges::find(sizes, 2) == sizes.end())
    return Refuse("{} needs two entries, for false and for true", kind);
  return {};
}

using Names = std::set<std::string, std::less<>>;

Status CheckControls(const ModelSequenceBatching& sequence, Names& names) {
  std::map<int, std::string> by_kind;
  for (const auto& input : sequence.control_input()) {
    if (input.name().empty()) return Refuse("a control_input has no name");
    if (!names.insert(input.name()).second)
      return Refuse("control_input '{}' is listed twice", input.name());
    if (input.control_size() != 1)
      return Refuse("control_input '{}' has {} controls; a tensor carries exactly one",
                    input.name(), input.control_size());
    const Control& control = input.control(0);
    const auto [other, added] = by_kind.emplace(control.kind(), input.name());
    if (!added)
      return Refuse("control_inputs '{}' and '{}' are both {}", other->second, input.name(),
                    Control::Kind_Name(control.kind()));
    const Status status = control.kind() == Control::CONTROL_SEQUENCE_CORRID
                              ? CheckCorrelationId(control)
                              : CheckFlag(control);
    if (!status.ok()) return status.WithContext(fmt::format("control_input '{}'", input.name()));
  }
  return {};
}

Status CheckDims(std::string_view what, std::span<const int64_t> dims, bool variable) {
  for (const int64_t dim : dims)
    if (dim < 1 && !(variable && dim == -1))
      return Refuse("{} {} has {}: sizes are 1 and more{}", what, ShapeText(dims), dim,
                    variable ? ", or -1" : "");
  return {};
}

Status CheckInitial(const ModelSequenceBatching::State& state) {
  if (state.initial_state().empty()) return {};
  if (state.initial_state_size() > 1)
    return Refuse("it has {} initial_state; at most one", state.initial_state_size());
  const auto& initial = state.initial_state(0);
  if (initial.name().empty()) return Refuse("initial_state has no name");
  if (initial.data_type() != state.data_type())
    return Refuse("initial_state has {}, the state {}",
                  inference::DataType_Name(initial.data_type()),
                  inference::DataType_Name(state.data_type()));
  const std::span<const int64_t> own(initial.dims().data(), initial.dims_size());
  const std::span<const int64_t> dims(state.dims().data(), state.dims_size());
  SARAI_CHECK_OK(CheckDims("initial_state.dims", own, /*variable=*/false));
  const bool fits =
      std::ranges::equal(own, dims, [](int64_t a, int64_t b) { return b == -1 || a == b; });
  if (!fits)
    return Refuse("initial_state.dims {} do not fit the state's {}", ShapeText(own),
                  ShapeText(dims));
  if (initial.has_data_file()) return CheckFileName("initial_state.data_file", initial.data_file());
  if (!initial.has_zero_data()) return Refuse("initial_state sets neither zero_data nor data_file");
  return {};
}

Status CheckState(const inference::ModelConfig& config, const ModelSequenceBatching::State& state) {
  if (state.data_type() == inference::TYPE_INVALID ||
      !inference::DataType_IsValid(state.data_type()))
    return Refuse("it has no data_type");
  const std::span<const int64_t> dims(state.dims().data(), state.dims_size());
  SARAI_CHECK_OK(CheckDims("dims", dims, /*variable=*/true));
  for (const auto& output : config.output())
    if (output.name() == state.output_name() && output.data_type() != state.data_type())
      return Refuse("it has {}, but as an output {}", inference::DataType_Name(state.data_type()),
                    inference::DataType_Name(output.data_type()));
  return CheckInitial(state);
}

Status CheckStates(const inference::ModelConfig& config, Names& names) {
  Names outputs;
  for (const auto& state : config.sequence_batching().state()) {
    if (state.input_name().empty() || state.output_name().empty())
      return Refuse("a state needs both input_name and output_name");
    if (!names.insert(state.input_name()).second || !outputs.insert(state.output_name()).second)
      return Refuse("state '{}' -> '{}': one of the names is taken", state.output_name(),
                    state.input_name());
    const Status status = CheckState(config, state);
    if (!status.ok()) return status.WithContext(fmt::format("state '{}'", state.input_name()));
  }
  return {};
}

Status CheckStrategy(const inference::ModelConfig& config) {
  const auto& sequence = config.sequence_batching();
  const float utilization = sequence.direct().minimum_slot_utilization();
  if (!(utilization >= 0 && utilization <= 1))
    return Refuse("direct.minimum_slot_utilization {} is not within 0 and 1", utilization);
  const auto& oldest = sequence.oldest();
  if (oldest.max_candidate_sequences() < 0 || oldest.max_candidate_sequences() > kMaxCandidates)
    return Refuse("oldest.max_candidate_sequences {} is not within 0 and {}",
                  oldest.max_candidate_sequences(), kMaxCandidates);
  for (const int size : oldest.preferred_batch_size())
    if (size < 1 || size > config.max_batch_size())
      return Refuse("oldest.preferred_batch_size {} is not within 1 and max_batch_size {}", size,
                    config.max_batch_size());
  return {};
}

Status CheckNotOffered(const inference::ModelConfig& config, const Names& names) {
  for (const auto& input : config.input())
    if (names.contains(input.name()))
      return Refuse("'{}' is filled by the scheduler and must not be listed as an input too",
                    input.name());
  return {};
}

Status CheckAll(const inference::ModelConfig& config) {
  const auto& sequence = config.sequence_batching();
  if (config.response_cache().enable())
    return Refuse("response_cache must be off: what a sequence is answered depends on its past");
  Names names;
  SARAI_CHECK_OK(CheckStrategy(config));
  SARAI_CHECK_OK(CheckControls(sequence, names));
  SARAI_CHECK_OK(CheckStates(config, names));
  return CheckNotOffered(config, names);
}

}  // namespace

Status CheckSequence(const inference::ModelConfig& config) {
  if (!config.has_sequence_batching()) return {};
  const Status status = CheckAll(config);
  return status.ok() ? status : status.WithContext("sequence_batching");
}

}  // namespace sarai::modelconfig
