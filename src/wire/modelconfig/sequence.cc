#include "wire/modelconfig/sequence.h"

#include <algorithm>

#include "wire/modelconfig/limits.h"

namespace sarai::modelconfig {
namespace {

using inference::ModelSequenceBatching;

constexpr uint64_t kDefaultIdleUs = 1'000'000;
constexpr char kInitialStateFolder[] = "initial_state";

SequenceControl::Kind KindOf(const ModelSequenceBatching::Control& control) {
  switch (control.kind()) {
    case ModelSequenceBatching::Control::CONTROL_SEQUENCE_READY:
      return SequenceControl::Kind::kReady;
    case ModelSequenceBatching::Control::CONTROL_SEQUENCE_END: return SequenceControl::Kind::kEnd;
    case ModelSequenceBatching::Control::CONTROL_SEQUENCE_CORRID:
      return SequenceControl::Kind::kCorrelationId;
    default: return SequenceControl::Kind::kStart;
  }
}

SequenceControl ToControl(const std::string& input, const ModelSequenceBatching::Control& control) {
  SequenceControl spec{.input = input, .kind = KindOf(control)};
  const auto set = [&](DataType type, const auto& off_on) {
    if (off_on.size() != 2) return;
    spec.type = type;
    spec.off = static_cast<double>(off_on[0]);
    spec.on = static_cast<double>(off_on[1]);
  };
  if (spec.kind == SequenceControl::Kind::kCorrelationId) {
    spec.type = static_cast<DataType>(control.data_type());
    return spec;
  }
  set(DataType::kInt32, control.int32_false_true());
  set(DataType::kFp32, control.fp32_false_true());
  set(DataType::kBool, control.bool_false_true());
  return spec;
}

SequenceState ToState(const ModelSequenceBatching::State& state, std::string_view directory) {
  SequenceState spec{.input = state.input_name(),
                     .output = state.output_name(),
                     .type = static_cast<DataType>(state.data_type()),
                     .dims = Shape(state.dims().begin(), state.dims().end())};
  if (state.initial_state().empty()) return spec;
  const auto& initial = state.initial_state(0);
  spec.initial_dims = Shape(initial.dims().begin(), initial.dims().end());
  if (initial.has_data_file())
    spec.initial_file =
        fmt::format("{}/{}/{}", directory, kInitialStateFolder, initial.data_file());
  return spec;
}

}  // namespace

bool IsSequenceInput(const inference::ModelConfig& config, std::string_view name) {
  const auto& sequence = config.sequence_batching();
  return std::ranges::any_of(sequence.control_input(),
                             [&](const auto& control) { return control.name() == name; }) ||
         std::ranges::any_of(sequence.state(),
                             [&](const auto& state) { return state.input_name() == name; });
}

bool IsSequenceOutput(const inference::ModelConfig& config, std::string_view name) {
  return std::ranges::any_of(config.sequence_batching().state(),
                             [&](const auto& state) { return state.output_name() == name; });
}

void NormalizeSequence(inference::ModelConfig& config) {
  if (!config.has_sequence_batching()) return;
  auto& sequence = *config.mutable_sequence_batching();
  if (sequence.max_sequence_idle_microseconds() == 0)
    sequence.set_max_sequence_idle_microseconds(kDefaultIdleUs);
  if (!sequence.has_oldest()) return;
  auto& oldest = *sequence.mutable_oldest();
  const int batch = std::max(1, config.max_batch_size());
  if (oldest.max_candidate_sequences() == 0) oldest.set_max_candidate_sequences(batch);
  auto& sizes = *oldest.mutable_preferred_batch_size();
  if (sizes.empty() && config.max_batch_size() > 0) sizes.Add(batch);
  std::ranges::sort(sizes);
}

SequenceSpec ToSequenceSpec(const inference::ModelConfig& config, std::string_view directory) {
  const auto& sequence = config.sequence_batching();
  SequenceSpec spec{.max_idle = FromMicroseconds(sequence.max_sequence_idle_microseconds()),
                    .iterative = sequence.iterative_sequence()};
  for (const auto& input : sequence.control_input())
    for (const auto& control : input.control())
      spec.controls.push_back(ToControl(input.name(), control));
  for (const auto& state : sequence.state()) spec.states.push_back(ToState(state, directory));
  if (!sequence.has_oldest()) {
    spec.max_queue_delay = FromMicroseconds(sequence.direct().max_queue_delay_microseconds());
    spec.minimum_slot_utilization = sequence.direct().minimum_slot_utilization();
    return spec;
  }
  const auto& oldest = sequence.oldest();
  spec.strategy = SequenceSpec::Strategy::kOldest;
  spec.max_queue_delay = FromMicroseconds(oldest.max_queue_delay_microseconds());
  spec.max_candidate_sequences = std::max(1, oldest.max_candidate_sequences());
  spec.preferred_sizes.assign(oldest.preferred_batch_size().begin(),
                              oldest.preferred_batch_size().end());
  std::ranges::sort(spec.preferred_sizes);
  spec.preserve_ordering = oldest.preserve_ordering();
  return spec;
}

}  // namespace sarai::modelconfig
