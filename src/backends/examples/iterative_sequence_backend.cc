// libsarai_iterative_sequence.so: counts down. A request with INPUT = n gives n responses, OUTPUT =
// n-1 to 0, each by a run of its own, between which it is scheduled again. As the backend of this
// name in Triton's tests.
#include "backends/examples/example_backend.h"

namespace sarai::backends::examples {
namespace {

class CountdownModel final : public ExampleModel {
 public:
  Status Prepare(const ModelSpec& spec) override {
    const Shape one{1};
    SARAI_CHECK_OK(CheckTensor(spec.inputs, 0, "INPUT", DataType::kInt32, &one));
    return CheckTensor(spec.outputs, 0, "OUTPUT", DataType::kInt32, &one);
  }

  Result<std::vector<Tensor>> Execute(const std::vector<Tensor>& inputs,
                                      const ExecuteContext& context) override {
    std::vector<int32_t> values = ValuesOf<int32_t>(inputs.front());
    if (context.iteration.size() != values.size()) return Error(NotIterative());
    for (size_t i = 0; i < values.size(); ++i) {
      IterationRow& row = context.iteration[i];
      const int64_t left = int64_t{values[i]} - static_cast<int64_t>(row.number) - 1;
      values[i] = static_cast<int32_t>(std::max<int64_t>(left, 0));
      row.again = values[i] > 0;
    }
    return std::vector{Tensor{"OUTPUT", DataType::kInt32, inputs.front().shape,
                              Blob::Copy(std::as_bytes(std::span(values)))}};
  }

  Status ExecuteDecoupled(const std::vector<Tensor>&, const ExecuteContext&, Respond) override {
    return NotIterative();
  }

 private:
  static Status NotIterative() {
    return MakeStatus(Code::kInvalidArgument,
                      "Request is released with TRITONSERVER_REQUEST_RELEASE_RESCHEDULE, but the "
                      "model's scheduler doesn't support it: use sequence_batching {{ "
                      "iterative_sequence: true }}");
  }
};

}  // namespace
}  // namespace sarai::backends::examples

SARAI_EXAMPLE_BACKEND(sarai::backends::examples::CountdownModel, "iterative_sequence")
