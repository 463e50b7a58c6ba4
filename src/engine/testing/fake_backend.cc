#include "engine/testing/fake_backend.h"

#include <algorithm>
#include <utility>

namespace sarai::engine {

struct FakeBackend::State {
  std::mutex mu;
  std::condition_variable changed;
  // All guarded by mu.
  backends::Signature signature;
  Execute execute;
  Stream stream;
  Iterate iterate;
  backends::ExecuteContext context;  // of the latest run
  uint64_t memory_bytes = 1024;
  Status load_failure;
  std::function<void(const ModelSpec&)> on_load;
  std::function<void()> on_destroy;
  std::function<void(Status)> on_lost;
  bool held = false;
  int passes = 0;
  int waiting = 0, running = 0, peak = 0, live = 0, releases = 0;
  int generation = 0;  // models of an earlier one are lost
  std::vector<Run> runs;
};

namespace {

using State = FakeBackend::State;

// Every output of the spec gets the data of the input at its place.
FakeBackend::Outputs Echo(const ModelSpec& spec, const std::vector<Tensor>& inputs) {
  std::vector<Tensor> outputs;
  for (size_t i = 0; i < spec.outputs.size() && i < inputs.size(); ++i) {
    outputs.push_back(inputs[i]);
    outputs.back().name = spec.outputs[i].name;
  }
  return outputs;
}

class FakeModel final : public backends::BackendModel {
 public:
  FakeModel(std::shared_ptr<State> state, ModelSpec spec)
      : state_(std::move(state)), spec_(std::move(spec)) {
    std::lock_guard lock(state_->mu);
    ++state_->live;
    signature_ = state_->signature;
    execute_ = state_->execute ? state_->execute : Echo;
    stream_ = state_->stream;
    iterate_ = state_->iterate;
    on_destroy_ = state_->on_destroy;
    memory_bytes_ = state_->memory_bytes;
    generation_ = state_->generation;
  }

  ~FakeModel() override {
    if (on_destroy_) on_destroy_();
    std::lock_guard lock(state_->mu);
    --state_->live;
    state_->changed.notify_all();
  }

  const backends::Signature& signature() const override { return signature_; }
  uint64_t memory_bytes() const override { return memory_bytes_; }

  Status Prepare(const ModelSpec& spec) override {
    spec_ = spec;
    return {};
  }

  Result<std::vector<Tensor>> Execute(const std::vector<Tensor>& inputs,
                                      const backends::ExecuteContext& context) override {
    const bool alive = Enter(inputs, context);
    auto outputs = !alive ? FakeBackend::Outputs(Error(Code::kUnavailable, "its process died"))
                   : context.iteration.empty() ? execute_(spec_, inputs)
                                               : iterate_(inputs, context.iteration);
    std::lock_guard lock(state_->mu);
    --state_->running;
    return outputs;
  }

  Status ExecuteDecoupled(const std::vector<Tensor>& inputs,
                          const backends::ExecuteContext& context,
                          backends::Respond respond) override {
    const bool alive = Enter(inputs, context);
    const Status status = alive ? stream_(inputs, context, std::move(respond))
                                : MakeStatus(Code::kUnavailable, "its process died");
    std::lock_guard lock(state_->mu);
    --state_->running;
    return status;
  }

 private:
  // Records the run and waits at the gate; false when the model is lost.
  bool Enter(const std::vector<Tensor>& inputs, const backends::ExecuteContext& context) {
    const bool sized = !inputs.empty() && !inputs.front().shape.empty();
    std::unique_lock lock(state_->mu);
    state_->context = context;
    state_->runs.push_back({spec_.name, sized ? inputs.front().shape.front() : 1});
    state_->peak = std::max(state_->peak, ++state_->running);
    ++state_->waiting;
    state_->changed.notify_all();
    state_->changed.wait(lock, [this] {
      return !state_->held || state_->passes > 0 || generation_ != state_->generation;
    });
    if (state_->held && state_->passes > 0) --state_->passes;
    --state_->waiting;
    return generation_ == state_->generation;
  }

  const std::shared_ptr<State> state_;
  ModelSpec spec_;
  backends::Signature signature_;
  FakeBackend::Execute execute_;
  FakeBackend::Stream stream_;
  FakeBackend::Iterate iterate_;
  std::function<void()> on_destroy_;
  uint64_t memory_bytes_ = 0;
  int generation_ = 0;
};

}  // namespace

std::shared_ptr<FakeBackend::State> FakeBackend::MakeState() { return std::make_shared<State>(); }

void FakeBackend::SetSignature(backends::Signature signature) {
  std::lock_guard lock(state_->mu);
  state_->signature = std::move(signature);
}

void FakeBackend::SetExecute(Execute execute) {
  std::lock_guard lock(state_->mu);
  state_->execute = std::move(execute);
}

void FakeBackend::SetIterate(Iterate iterate) {
  std::lock_guard lock(state_->mu);
  state_->iterate = std::move(iterate);
}

void FakeBackend::SetStream(Stream stream) {
  std::lock_guard lock(state_->mu);
  state_->stream = std::move(stream);
}

backends::ExecuteContext FakeBackend::last_context() const {
  std::lock_guard lock(state_->mu);
  return state_->context;
}

void FakeBackend::SetMemoryBytes(uint64_t bytes) {
  std::lock_guard lock(state_->mu);
  state_->memory_bytes = bytes;
}

void FakeBackend::FailLoads(Status status) {
  std::lock_guard lock(state_->mu);
  state_->load_failure = std::move(status);
}

void FakeBackend::OnLoad(std::function<void(const ModelSpec&)> callback) {
  std::lock_guard lock(state_->mu);
  state_->on_load = std::move(callback);
}

void FakeBackend::OnDestroy(std::function<void()> callback) {
  std::lock_guard lock(state_->mu);
  state_->on_destroy = std::move(callback);
}

void FakeBackend::Hold() {
  std::lock_guard lock(state_->mu);
  state_->held = true;
  state_->passes = 0;
}

void FakeBackend::LetPass(int runs) {
  std::lock_guard lock(state_->mu);
  state_->passes += runs;
  state_->changed.notify_all();
}

void FakeBackend::Release() {
  std::lock_guard lock(state_->mu);
  state_->held = false;
  state_->changed.notify_all();
}

void FakeBackend::WaitUntilHeld(int runs) {
  std::unique_lock lock(state_->mu);
  state_->changed.wait(lock, [&] { return state_->waiting - state_->passes >= runs; });
}

void FakeBackend::LoseModels(const Status& why) {
  std::unique_lock lock(state_->mu);
  ++state_->generation;
  const auto callback = state_->on_lost;
  lock.unlock();
  if (callback) callback(why);
  state_->changed.notify_all();  // runs under way find out after their owners
}

std::vector<FakeBackend::Run> FakeBackend::runs() const {
  std::lock_guard lock(state_->mu);
  return state_->runs;
}

int FakeBackend::live_models() const {
  std::lock_guard lock(state_->mu);
  return state_->live;
}

int FakeBackend::peak_concurrency() const {
  std::lock_guard lock(state_->mu);
  return state_->peak;
}

int FakeBackend::releases() const {
  std::lock_guard lock(state_->mu);
  return state_->releases;
}

void FakeBackend::WaitUntilNoneLive() {
  std::unique_lock lock(state_->mu);
  state_->changed.wait(lock, [&] { return state_->live == 0; });
}

void FakeBackend::WaitForReleases(int count) {
  std::unique_lock lock(state_->mu);
  state_->changed.wait(lock, [&] { return state_->releases >= count; });
}

Result<std::unique_ptr<backends::BackendModel>> FakeBackend::Load(const ModelSpec& spec) {
  std::unique_lock lock(state_->mu);
  const Status failure = state_->load_failure;
  const auto on_load = state_->on_load;
  lock.unlock();
  auto model = std::make_unique<FakeModel>(state_, spec);
  if (on_load) on_load(spec);
  if (!failure.ok()) return Error(failure);
  return model;
}

void FakeBackend::ReleaseMemory() {
  std::lock_guard lock(state_->mu);
  ++state_->releases;
  state_->changed.notify_all();
}

void FakeBackend::OnModelsLost(std::function<void(Status why)> callback) {
  std::lock_guard lock(state_->mu);
  state_->on_lost = std::move(callback);
}

}  // namespace sarai::engine
