#include "types/model_spec.h"

#include <algorithm>

namespace sarai {

std::vector<TensorSpec> FrameworkInputs(const ModelSpec& spec) {
  std::vector<TensorSpec> inputs = spec.inputs;
  if (spec.sequence) {
    for (const SequenceControl& control : spec.sequence->controls)
      inputs.push_back({.name = control.input, .type = control.type, .dims = {1}});
    for (const SequenceState& state : spec.sequence->states)
      inputs.push_back({.name = state.input, .type = state.type, .dims = state.dims});
  }
  for (const BatchInputSpec& input : spec.batch_inputs)
    for (const std::string& target : input.targets)
      inputs.push_back({.name = target, .type = input.type, .dims = {-1}, .ragged = true});
  return inputs;
}

std::vector<TensorSpec> FrameworkOutputs(const ModelSpec& spec) {
  std::vector<TensorSpec> outputs = spec.outputs;
  if (!spec.sequence) return outputs;
  for (const SequenceState& state : spec.sequence->states)
    if (std::ranges::find(spec.outputs, state.output, &TensorSpec::name) == spec.outputs.end())
      outputs.push_back({.name = state.output, .type = state.type, .dims = state.dims});
  return outputs;
}

}  // namespace sarai
