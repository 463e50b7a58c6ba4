#include "engine/ensemble/ensemble_run.h"

#include <algorithm>
#include <utility>

namespace sarai::engine {
namespace {

constexpr size_t kRequest = SIZE_MAX;  // in the place of a step: the request itself

const TensorSpec* FindTensor(const std::vector<TensorSpec>& tensors, std::string_view name) {
  const auto found = std::ranges::find(tensors, name, &TensorSpec::name);
  return found == tensors.end() ? nullptr : &*found;
}

}  // namespace

// A step's responder: a call that is dropped unanswered (its server stops) is an error too.
class EnsembleRun::Reply {
 public:
  Reply(std::shared_ptr<EnsembleRun> run, size_t step, size_t plane)
      : run_(std::move(run)), step_(step), plane_(plane) {}
  Reply(Reply&&) = default;
  ~Reply() {
    if (run_ != nullptr)
      (*this)(Error(Code::kUnavailable, "the server stopped before it was answered"));
  }
  void operator()(Result<InferResponse> response) {
    const bool final = !response || response->final;
    const std::shared_ptr<EnsembleRun> run = final ? std::move(run_) : run_;
    if (final) run_ = nullptr;
    if (run != nullptr) run->Put({step_, plane_, std::move(response)});
  }

 private:
  std::shared_ptr<EnsembleRun> run_;
  size_t step_, plane_;
};

EnsembleRun::EnsembleRun(std::shared_ptr<ServedVersion> version, Pending pending,
                         ModelCaller& models, const Clock& clock, std::function<void()> on_end)
    : version_(std::move(version)),
      models_(models),
      clock_(clock),
      on_end_(std::move(on_end)),
      pending_(std::move(pending)),
      next_plane_(spec().steps.size()) {
  for (const RequestedOutput& output : pending_->request.outputs) wanted_.push_back(output.name);
  needed_ = policy::NeededSteps(version_->spec(), wanted_);
  if (!wanted_.empty()) return;
  for (const TensorSpec& output : version_->spec().outputs) wanted_.push_back(output.name);
}

void EnsembleRun::Start() { Put({.step = kRequest, .response = InferResponse{}}); }

void EnsembleRun::Put(Event event) {
  std::unique_lock lock(mu_);
  events_.push_back(std::move(event));
  if (std::exchange(running_, true)) return;
  while (!events_.empty()) {
    Event next = std::move(events_.front());
    events_.pop_front();
    lock.unlock();
    Handle(std::move(next));
    lock.lock();
  }
  running_ = false;
}

void EnsembleRun::Handle(Event event) {
  if (event.step == kRequest) {
    GiveInputs();
    return AnswerPlanes();
  }
  if (!event.response || event.response->final) {
    --under_way_;
    version_->step_gates().Leave(event.step);
  }
  const Status error = event.response ? event.response->error : event.response.error();
  if (error.ok()) {
    TakeOutputs(event, *event.response);
  } else {
    Fail(error.WithContext(
        fmt::format("step {} (model '{}')", event.step, spec().steps[event.step].model)));
  }
  AnswerPlanes();
}

void EnsembleRun::GiveInputs() {
  const ModelSpec& model = version_->spec();
  Plane& plane = PlaneOf(0);
  policy::EnsembleProgress::Tensors made;
  for (const TensorSpec& input : model.inputs) {
    const auto given = std::ranges::find(pending_->inputs, input.name, &Tensor::name);
    const bool is_there = given != pending_->inputs.end();
    plane.tensors[input.name] = {is_there ? std::optional(*given) : std::nullopt,
                                 model.max_batch_size > 0};
    made.insert(input.name);
  }
  StartReady(0, made);
}

void EnsembleRun::TakeOutputs(const Event& event, InferResponse& response) {
  times_.input += response.times.input;
  times_.infer += response.times.infer;
  times_.output += response.times.output;
  const policy::EnsembleMember& member = version_->members()[event.step];
  const bool streams = member.decoupled || !response.final || next_plane_[event.step] > 0;
  if (streams && response.outputs.empty()) return;  // only the end
  const size_t number = streams ? next_plane_[event.step]++ : event.plane;
  Plane& plane = PlaneOf(number);
  policy::EnsembleProgress::Tensors made;
  for (const auto& [own, name] : spec().steps[event.step].output_map) {
    const auto output = std::ranges::find(response.outputs, own, &Tensor::name);
    EnsembleTensor& tensor = plane.tensors[name];
    tensor.batched = member.known ? member.max_batch_size > 0 : version_->spec().max_batch_size > 0;
    if (output != response.outputs.end()) tensor.tensor = std::move(*output);
    made.insert(name);
  }
  StartReady(number, made);
}

void EnsembleRun::StartReady(size_t number, const policy::EnsembleProgress::Tensors& made) {
  for (const size_t step : PlaneOf(number).progress.Known(made))
    if (needed_[step] && failure_.ok()) StartStep(step, number);
}

void EnsembleRun::StartStep(size_t step, size_t number) {
  if (IsCancelled(pending_->request.cancellation))
    return Fail(Status(Code::kCancelled, "the request was cancelled"));
  // The models that it would call are going, or gone.
  if (version_->state() == ServedVersion::State::kLost) return Fail(version_->Refusal());
  ++under_way_;
  auto start = [this, self = shared_from_this(), step, request = RequestOf(step, PlaneOf(number)),
                reply = Reply(shared_from_this(), step, number)]() mutable {
    models_.Call(std::move(request), std::move(reply));
  };
  if (version_->step_gates().Enter(step, std::move(start))) return;
  --under_way_;
  Fail(MakeStatus(Code::kUnavailable, "step {} (model '{}'): too many requests wait for it", step,
                  spec().steps[step].model));
}

InferRequest EnsembleRun::RequestOf(size_t index, Plane& plane) const {
  const EnsembleStep& step = spec().steps[index];
  const policy::EnsembleMember& member = version_->members()[index];
  const InferRequest& own = pending_->request;
  InferRequest request{.model = step.model,
                       .version = step.version,
                       .id = own.id,
                       .parameters = own.parameters,
                       .priority = own.priority,
                       .timeout = own.timeout,
                       .deadline = own.deadline,
                       .sequence = own.sequence,
                       .sequence_start = own.sequence_start,
                       .sequence_end = own.sequence_end,
                       .accepts_many = true,
                       .cancellation = own.cancellation,
                       .trace = own.trace ? own.trace->Child() : nullptr};
  for (const auto& [input, name] : step.input_map) {
    const EnsembleTensor& tensor = plane.tensors.at(name);
    if (!tensor.tensor) continue;  // optional, and left out
    request.inputs.push_back(*tensor.tensor);
    request.inputs.back().name = input;
    if (const TensorSpec* const expected = FindTensor(member.inputs, input))
      request.inputs.back().shape = policy::PassedOnShape(expected->dims, member.max_batch_size > 0,
                                                          tensor.batched, tensor.tensor->shape);
  }
  for (const auto& [output, name] : step.output_map) request.outputs.push_back({.name = output});
  return request;
}

void EnsembleRun::Fail(Status why) {
  if (!failure_.ok()) return;
  failure_ = why.WithContext(fmt::format("in ensemble '{}'", version_->spec().name));
}

// Answers what is whole, in the order of planes; at the end, the rest.
void EnsembleRun::AnswerPlanes() {
  if (answered_) return;
  const bool last = under_way_ == 0;
  std::vector<InferResponse> whole;
  for (auto it = planes_.begin(); it != planes_.end() && failure_.ok();) {
    auto& [number, plane] = *it;
    if (!IsComplete(plane)) {
      if (!last) break;
      ++it;
      continue;
    }
    if (number > next_answer_ && !last) break;
    whole.push_back(ResponseOf(plane));
    next_answer_ = number + 1;
    it = planes_.erase(it);
  }
  std::optional<InferResponse> final;
  if (last && !whole.empty()) {
    final = std::move(whole.back());
    whole.pop_back();
  }
  for (InferResponse& response : whole) {
    response.final = false;
    pending_->respond(std::move(response));
  }
  if (last) Finish(std::move(final));
}

bool EnsembleRun::IsComplete(const Plane& plane) const {
  return std::ranges::all_of(wanted_,
                             [&](const std::string& name) { return plane.tensors.contains(name); });
}

InferResponse EnsembleRun::ResponseOf(Plane& plane) const {
  const ModelSpec& model = version_->spec();
  InferResponse response{.model = model.name, .version = model.version, .id = pending_->request.id};
  for (const std::string& name : wanted_) {
    EnsembleTensor& made = plane.tensors.at(name);
    if (!made.tensor) continue;
    Tensor tensor = *made.tensor;
    tensor.name = name;
    if (const TensorSpec* const expected = FindTensor(model.outputs, name))
      tensor.shape = policy::PassedOnShape(expected->dims, model.max_batch_size > 0, made.batched,
                                           tensor.shape);
    response.outputs.push_back(std::move(tensor));
  }
  return response;
}

void EnsembleRun::Finish(std::optional<InferResponse> last) {
  answered_ = true;
  planes_.clear();
  const bool streams = version_->spec().decoupled || next_answer_ > 1;
  if (failure_.ok() && !last && !streams)
    Fail(Status(Code::kInternal, "no step gave what the outputs need"));
  const TimePoint now = clock_.Now();
  version_->counters().OnRun({.requests = 1,
                              .batch = pending_->batch,
                              .compute_input = times_.input,
                              .compute_infer = times_.infer,
                              .compute_output = times_.output,
                              .lived = now - pending_->arrived,
                              .ok = failure_.ok(),
                              .reason = failure_.code() == Code::kCancelled
                                            ? FailureReason::kCanceled
                                            : FailureReason::kOther,
                              .at = clock_.WallNow()});
  version_->counters().Leave();
  InferResponder respond = std::move(pending_->respond);
  if (failure_.ok()) {
    InferResponse response = last ? std::move(*last)
                                  : InferResponse{.model = version_->spec().name,
                                                  .version = version_->spec().version,
                                                  .id = pending_->request.id};
    response.times = times_;
    response.final = true;
    respond(std::move(response));
  } else {
    respond(Error(failure_));
  }
  respond = nullptr;
  on_end_();
}

EnsembleRun::Plane& EnsembleRun::PlaneOf(size_t number) {
  return planes_.try_emplace(number, spec()).first->second;
}

}  // namespace sarai::engine
