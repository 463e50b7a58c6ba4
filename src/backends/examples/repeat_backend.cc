// libsarai_repeat.so: a decoupled model that repeats its input, one response per element of IN:
// OUT is the element, IDX its number. DELAY: milliseconds to wait before each; WAIT: milliseconds
// until the instance takes its next request. As Triton's repeat_backend.
#include <chrono>

#include "backends/examples/example_backend.h"
#include "base/executor.h"

namespace sarai::backends::examples {
namespace {

using std::chrono::milliseconds;

// One request on its way through the model's timer.
struct Repetition {
  std::vector<int32_t> in;
  std::vector<uint32_t> delay_ms;
  CancellationPtr cancellation;
  Respond respond;
  uint32_t next = 0;
};

class RepeatModel final : public ExampleModel {
 public:
  Status Prepare(const ModelSpec& spec) override {
    if (spec.max_batch_size != 0)
      return MakeStatus(Code::kInvalidArgument, "this backend needs max_batch_size 0, got {}",
                        spec.max_batch_size);
    if (!spec.decoupled)
      return MakeStatus(Code::kInvalidArgument,
                        "this backend needs model_transaction_policy {{ decoupled: true }}");
    if (spec.inputs.size() != 3 || spec.outputs.size() != 2)
      return MakeStatus(Code::kInvalidArgument,
                        "expected the inputs IN, DELAY, WAIT and the outputs OUT, IDX; got {} and "
                        "{} tensors",
                        spec.inputs.size(), spec.outputs.size());
    const Shape one{1};
    SARAI_CHECK_OK(CheckTensor(spec.inputs, 0, "IN", DataType::kInt32, nullptr));
    SARAI_CHECK_OK(
        CheckTensor(spec.inputs, 1, "DELAY", DataType::kUint32, &spec.inputs.front().dims));
    SARAI_CHECK_OK(CheckTensor(spec.inputs, 2, "WAIT", DataType::kUint32, &one));
    SARAI_CHECK_OK(CheckTensor(spec.outputs, 0, "OUT", DataType::kInt32, &one));
    return CheckTensor(spec.outputs, 1, "IDX", DataType::kUint32, &one);
  }

  Result<std::vector<Tensor>> Execute(const std::vector<Tensor>&, const ExecuteContext&) override {
    return Error(Code::kUnimplemented, "the model is decoupled");
  }

  Status ExecuteDecoupled(const std::vector<Tensor>& inputs, const ExecuteContext& context,
                          Respond respond) override {
    if (inputs.size() != 3 || inputs[0].shape != inputs[1].shape)
      return MakeStatus(Code::kInvalidArgument,
                        "expected 'IN' and 'DELAY' of the same shape, and 'WAIT'");
    const auto wait = ValuesOf<uint32_t>(inputs[2]);
    auto repetition =
        std::make_shared<Repetition>(Repetition{.in = ValuesOf<int32_t>(inputs[0]),
                                                .delay_ms = ValuesOf<uint32_t>(inputs[1]),
                                                .cancellation = context.cancellation,
                                                .respond = std::move(respond)});
    Continue(std::move(repetition));
    if (!wait.empty()) Pause(milliseconds(wait.front()), context.cancellation);
    return {};
  }

 private:
  void Continue(std::shared_ptr<Repetition> repetition) {
    const bool done = repetition->next >= repetition->in.size();
    const milliseconds delay(done ? 0 : repetition->delay_ms[repetition->next]);
    timer_.PostAt(clock_.Now() + std::min<Duration>(delay, kPauseMax),
                  [this, repetition] { Step(repetition); });
  }

  void Step(const std::shared_ptr<Repetition>& repetition) {
    if (IsCancelled(repetition->cancellation))
      return repetition->respond(Error(Code::kCancelled, "the caller left"), true);
    if (repetition->next >= repetition->in.size())
      return repetition->respond(std::vector<Tensor>(), true);
    const uint32_t index = repetition->next++;
    repetition->respond(std::vector{OneValue("OUT", DataType::kInt32, {1}, repetition->in[index]),
                                    OneValue("IDX", DataType::kUint32, {1}, index)},
                        false);
    Continue(repetition);
  }

  const RealClock clock_;
  ThreadPool timer_{"sarai-repeat", 1};
};

}  // namespace
}  // namespace sarai::backends::examples

SARAI_EXAMPLE_BACKEND(sarai::backends::examples::RepeatModel, "repeat")
