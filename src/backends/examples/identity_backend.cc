// libsarai_identity.so: each OUTPUT<i> is INPUT<i>. As Triton's identity_backend, with its
// parameters `execute_delay_ms` and `creation_delay_sec`.
#include <algorithm>
#include <chrono>

#include "backends/common/framework_tensors.h"
#include "backends/common/parameters.h"
#include "backends/examples/example_backend.h"

namespace sarai::backends::examples {
namespace {

constexpr std::string_view kInput = "INPUT", kOutput = "OUTPUT";
constexpr int kDelayMsMax = 600'000;

const TensorSpec* FindInput(const ModelSpec& spec, std::string_view index) {
  const auto found = std::ranges::find_if(spec.inputs, [&](const TensorSpec& input) {
    return std::string_view(input.name).substr(kInput.size()) == index;
  });
  return found == spec.inputs.end() ? nullptr : &*found;
}

Status CheckNames(const std::vector<TensorSpec>& tensors, std::string_view prefix) {
  for (const TensorSpec& tensor : tensors)
    if (!tensor.name.starts_with(prefix))
      return MakeStatus(Code::kInvalidArgument, "expected a name of the form {}<index>, got '{}'",
                        prefix, tensor.name);
  return {};
}

// What an input that was left out looks like in its output.
Tensor Zeros(const TensorSpec& spec, const ModelSpec& model) {
  Shape shape = FrameworkDims(model, spec);
  for (int64_t& dim : shape) dim = std::max<int64_t>(dim, 1);
  const auto count = static_cast<size_t>(ElementCount(shape).value_or(0));
  const size_t element = spec.type == DataType::kBytes ? sizeof(uint32_t) : ElementSize(spec.type);
  return {spec.name, spec.type, shape, Blob::FromVector(std::vector<std::byte>(count * element))};
}

class IdentityModel final : public ExampleModel {
 public:
  Status Prepare(const ModelSpec& spec) override {
    spec_ = spec;
    if (spec.inputs.size() != spec.outputs.size())
      return MakeStatus(Code::kInvalidArgument, "expected as many outputs as inputs, got {} and {}",
                        spec.outputs.size(), spec.inputs.size());
    SARAI_CHECK_OK(CheckNames(spec.inputs, kInput));
    SARAI_CHECK_OK(CheckNames(spec.outputs, kOutput));
    for (const TensorSpec& output : spec.outputs) SARAI_CHECK_OK(CheckPair(output));
    SARAI_TRY(const auto delay, IntParameter(spec.parameters, "execute_delay_ms", 0, kDelayMsMax));
    SARAI_TRY(const auto creation,
              IntParameter(spec.parameters, "creation_delay_sec", 0, kDelayMsMax / 1000));
    delay_ = std::chrono::milliseconds(delay.value_or(0));
    Pause(std::chrono::seconds(creation.value_or(0)), nullptr);
    return {};
  }

  Result<std::vector<Tensor>> Execute(const std::vector<Tensor>& inputs,
                                      const ExecuteContext& context) override {
    if (delay_ > Duration{0} && !Pause(delay_, context.cancellation))
      return Error(Code::kCancelled, "the caller left");
    std::vector<Tensor> outputs;
    for (const std::string& name : WantedOutputs(spec_, context.outputs)) {
      const TensorSpec* input = FindInput(spec_, std::string_view(name).substr(kOutput.size()));
      if (input == nullptr) return Error(Code::kInvalidArgument, "there is no output '{}'", name);
      const auto given = std::ranges::find(inputs, input->name, &Tensor::name);
      Tensor output = given == inputs.end() ? Zeros(*input, spec_) : *given;
      if (given != inputs.end()) {
        SARAI_TRY(output.shape, FrameworkShape(spec_, *given));
      }
      output.name = name;
      outputs.push_back(std::move(output));
    }
    return outputs;
  }

 private:
  Status CheckPair(const TensorSpec& output) const {
    const TensorSpec* input =
        FindInput(spec_, std::string_view(output.name).substr(kOutput.size()));
    if (input == nullptr)
      return MakeStatus(Code::kInvalidArgument, "output '{}' has no input of its index",
                        output.name);
    if (input->type != output.type)
      return MakeStatus(Code::kInvalidArgument, "'{}' has type {}, but '{}' has {}", input->name,
                        DataTypeName(input->type), output.name, DataTypeName(output.type));
    if (FrameworkDims(spec_, *input) != FrameworkDims(spec_, output))
      return MakeStatus(Code::kInvalidArgument, "'{}' and '{}' differ in their dims", input->name,
                        output.name);
    return {};
  }

  ModelSpec spec_;
  Duration delay_{0};
};

}  // namespace
}  // namespace sarai::backends::examples

SARAI_EXAMPLE_BACKEND(sarai::backends::examples::IdentityModel, "identity")
