// libsarai_square.so: a decoupled model that answers IN = n with n responses OUT = n. As Triton's
// square_backend, with its parameters CUSTOM_{INFER,OUTPUT,CANCEL}_DELAY_NS, CUSTOM_FAIL_COUNT and
// CUSTOM_EMPTY_COUNT: of the n, the last EMPTY are not sent, the FAIL before them are errors.
#include <charconv>
#include <chrono>

#include "backends/examples/example_backend.h"
#include "base/executor.h"

namespace sarai::backends::examples {
namespace {

// What is no number counts as 0, as there.
int64_t NumberOf(const ModelSpec& spec, const std::string& name) {
  const auto found = spec.parameters.find(name);
  int64_t value = 0;
  if (found != spec.parameters.end())
    std::from_chars(found->second.data(), found->second.data() + found->second.size(), value);
  return std::max<int64_t>(value, 0);
}

struct Squaring {
  int64_t count = 0, next = 0;
  Shape shape;
  CancellationPtr cancellation;
  Respond respond;
};

class SquareModel final : public ExampleModel {
 public:
  Status Prepare(const ModelSpec& spec) override {
    if (!spec.decoupled)
      return MakeStatus(Code::kInvalidArgument,
                        "this backend needs model_transaction_policy {{ decoupled: true }}");
    if (spec.inputs.size() != 1 || spec.outputs.size() != 1)
      return MakeStatus(Code::kInvalidArgument, "expected one input and one output, got {} and {}",
                        spec.inputs.size(), spec.outputs.size());
    const Shape one{1};
    SARAI_CHECK_OK(CheckTensor(spec.inputs, 0, "IN", DataType::kInt32, &one));
    SARAI_CHECK_OK(CheckTensor(spec.outputs, 0, "OUT", DataType::kInt32, &one));
    infer_delay_ = Duration(NumberOf(spec, "CUSTOM_INFER_DELAY_NS"));
    output_delay_ = Duration(NumberOf(spec, "CUSTOM_OUTPUT_DELAY_NS"));
    cancel_delay_ = Duration(NumberOf(spec, "CUSTOM_CANCEL_DELAY_NS"));
    fail_count_ = NumberOf(spec, "CUSTOM_FAIL_COUNT");
    empty_count_ = NumberOf(spec, "CUSTOM_EMPTY_COUNT");
    return {};
  }

  Result<std::vector<Tensor>> Execute(const std::vector<Tensor>&, const ExecuteContext&) override {
    return Error(Code::kUnimplemented, "the model is decoupled");
  }

  Status ExecuteDecoupled(const std::vector<Tensor>& inputs, const ExecuteContext& context,
                          Respond respond) override {
    const auto values = ValuesOf<int32_t>(inputs.front());
    if (values.size() != 1 || values.front() < 0)
      return MakeStatus(Code::kInvalidArgument, "'IN' must be one number that is not negative");
    Continue(std::make_shared<Squaring>(Squaring{.count = values.front(),
                                                 .shape = inputs.front().shape,
                                                 .cancellation = context.cancellation,
                                                 .respond = std::move(respond)}));
    return {};
  }

 private:
  void Continue(const std::shared_ptr<Squaring>& squaring) {
    const bool done = squaring->next >= squaring->count;
    const Duration delay = done                                  ? Duration{0}
                           : IsCancelled(squaring->cancellation) ? cancel_delay_
                                                                 : infer_delay_ + output_delay_;
    timer_.PostAt(clock_.Now() + std::min(delay, kPauseMax), [this, squaring] { Step(squaring); });
  }

  void Step(const std::shared_ptr<Squaring>& squaring) {
    if (squaring->next >= squaring->count) return squaring->respond(std::vector<Tensor>(), true);
    if (IsCancelled(squaring->cancellation))
      return squaring->respond(Error(Code::kCancelled, "the caller left"), true);
    const int64_t left = squaring->count - squaring->next++;
    if (left > empty_count_ + fail_count_) {
      squaring->respond(std::vector{OneValue("OUT", DataType::kInt32, squaring->shape,
                                             static_cast<int32_t>(squaring->count))},
                        false);
    } else if (left > empty_count_) {
      squaring->respond(Error(Code::kInternal, "simulated failure"), false);
    }
    Continue(squaring);
  }

  Duration infer_delay_{0}, output_delay_{0}, cancel_delay_{0};
  int64_t fail_count_ = 0, empty_count_ = 0;
  const RealClock clock_;
  ThreadPool timer_{"sarai-square", 1};
};

}  // namespace
}  // namespace sarai::backends::examples

SARAI_EXAMPLE_BACKEND(sarai::backends::examples::SquareModel, "square")
