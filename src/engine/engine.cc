#include "engine/engine.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

#include "base/log.h"
#include "engine/alarms.h"
#include "engine/backend_registry.h"
#include "engine/execution.h"
#include "engine/lanes.h"
#include "engine/loader.h"
#include "engine/model.h"
#include "engine/reaper.h"
#include "engine/roster.h"

namespace sarai::engine {
namespace {

constexpr int kMinLanes = 2;

using VersionPtr = std::shared_ptr<ServedVersion>;

int LaneCount(int wanted) {
  if (wanted > 0) return wanted;
  return std::max(kMinLanes, static_cast<int>(std::thread::hardware_concurrency()));
}

void Answer(ServedVersion& version, Pending pending, Result<InferResponse> response) {
  version.counters().Leave();
  InferResponder respond = std::move(pending->respond);
  respond(std::move(response));
}

InferResponse ResponseTo(const ModelSpec& spec, PendingRequest& pending,
                         std::vector<Tensor> outputs) {
  return {.model = spec.name,
          .version = spec.version,
          .id = std::move(pending.request.id),
          .outputs = std::move(outputs)};
}

void TraceArrival(const PendingRequest& pending) {
  const TracePtr& trace = pending.request.trace;
  if (trace == nullptr) return;
  trace->Stamp(TraceActivity::kQueueStart, pending.arrived);
  if (!trace->wants_tensors()) return;
  for (const Tensor& input : pending.inputs)
    trace->AddTensor(TraceActivity::kTensorQueueInput, input);
}

void AnswerAll(ServedVersion& version, std::vector<Pending> batch, Execution execution) {
  version.counters().OnRun(execution.run);
  for (size_t i = 0; i < batch.size(); ++i) {
    if (!execution.status.ok()) {
      Answer(version, std::move(batch[i]), Error(execution.status));
      continue;
    }
    InferResponse response = ResponseTo(version.spec(), *batch[i], std::move(execution.outputs[i]));
    Answer(version, std::move(batch[i]), std::move(response));
  }
}

void FailAll(ServedVersion& version, std::vector<Pending> requests, const Status& status) {
  for (Pending& pending : requests) {
    version.counters().OnRefused(FailureReason::kOther);
    Answer(version, std::move(pending), Error(status));
  }
}

void Shed(ServedVersion& version, std::vector<Pending> left, TimePoint now) {
  for (Pending& pending : left) {
    const bool cancelled = IsCancelled(pending->request.cancellation);
    const Duration waited = now - pending->arrived;
    version.counters().OnRefused(cancelled ? FailureReason::kCanceled : FailureReason::kRejected,
                                 waited);
    Status status =
        cancelled
            ? MakeStatus(Code::kCancelled, "model '{}': the request was cancelled after {:.1f} ms",
                         version.spec().name, Milliseconds(waited))
            : MakeStatus(Code::kDeadlineExceeded,
                         "model '{}': Request timeout expired: it waited {:.1f} ms in the queue",
                         version.spec().name, Milliseconds(waited));
    Answer(version, std::move(pending), Error(std::move(status)));
  }
}

}  // namespace

// Locks: each part has its own, and none calls another with it held.
struct Engine::Impl {
  Impl(EngineOptions engine_options, BackendRegistry& backend_registry, const Clock& the_clock)
      : options(engine_options),
        registry(backend_registry),
        clock(the_clock),
        alarms(clock, [this](const VersionPtr& version) { OnAlarm(version); }),
        lanes(LaneCount(options.lanes), clock,
              [this](const VersionPtr& version) { TakeTurn(version); }) {}

  void Stop();

  Result<ModelHandle> Load(const LoadOptions& load);
  Roster::ModelPtr Assemble(LoadedModel loaded);
  void Infer(const ModelHandle::Model& model, InferRequest request, InferResponder respond);

  void TakeTurn(const VersionPtr& version);
  void RunBatch(const VersionPtr& version, std::vector<Pending> batch, uint64_t sequence);
  void OnAlarm(const VersionPtr& version);
  void Arrange(const VersionPtr& version, const ServedVersion::FollowUp& next);

  void OnBackendLost(const std::string& backend, const Status& why);
  void LoseAll(const std::string& backend, const Status& why);
  // Ends the models without running what waits; those requests are failed after `told`.
  void Abandon(const std::vector<Roster::ModelPtr>& models, const std::string& why,
               const std::function<void(const Roster::ModelPtr&)>& told);

  // Constant after construction.
  const EngineOptions options;
  BackendRegistry& registry;
  const Clock& clock;

  // Guarded by mu.
  std::mutex mu;
  std::condition_variable quiet;
  std::function<void(const ModelHandle&, Status)> on_lost;
  int losing = 0;  // calls of OnBackendLost under way: Stop waits for them
  bool stopped = false;

  // Own synchronisation. Lanes and alarms, which use the others, end first.
  Roster roster;
  Reaper reaper;
  Alarms alarms;
  Lanes lanes;
};

// --- loading -------------------------------------------------------------------------------------

Result<ModelHandle> Engine::Impl::Load(const LoadOptions& load) {
  const TimePoint start = clock.Now();
  SARAI_TRY(const LoadPlan plan, PlanLoad(load));
  auto backend = registry.Get(plan.backend);
  if (!backend) return Error(backend.error().WithContext(fmt::format("model '{}'", plan.name)));
  const uint64_t losses = roster.LossesOf(plan.backend);
  auto loaded = CarryOut(plan, **backend);
  // Reading and optimising a model leaves holes in the heap as large as the model, whatever the
  // end.
  reaper.Tidy(*backend);
  if (!loaded) return Error(std::move(loaded).error());
  loaded->info.load_time = clock.Now() - start;
  const Roster::ModelPtr model = Assemble(std::move(*loaded));
  // Registered before anybody can unload it: it leaves the roster with its last version.
  model->departure->Await([this, key = model.get()] { roster.Remove(key); });
  if (const Status added = roster.Add(model, losses); !added.ok()) {
    Abandon({model}, added.message(), {});
    return Error(added);
  }
  return ModelHandle(model);
}

Roster::ModelPtr Engine::Impl::Assemble(LoadedModel loaded) {
  auto model = std::make_shared<ModelHandle::Model>();
  model->info = std::move(loaded.info);
  model->departure = std::make_shared<Departure>(static_cast<int>(loaded.versions.size()));
  for (ServedVersion::Parts& parts : loaded.versions)
    model->versions.push_back(std::make_shared<ServedVersion>(
        std::move(parts), options.default_max_queue_size, model->departure));
  return model;
}

// --- serving -------------------------------------------------------------------------------------

void Engine::Impl::Infer(const ModelHandle::Model& model, InferRequest request,
                         InferResponder respond) {
  const VersionPtr version = model.Find(request.version);
  if (version == nullptr)
    return respond(Error(Code::kNotFound, "model '{}' has no version '{}'; it serves {}",
                         model.info.spec.name, request.version,
                         fmt::join(model.info.versions, ", ")));
  const TimePoint now = clock.Now();
  version->counters().OnArrival(now);
  auto pending = MakePending(version->spec(), std::move(request), now);
  if (!pending) {
    version->counters().OnRefused(FailureReason::kOther);
    return respond(Error(std::move(pending).error()));
  }
  (*pending)->respond = std::move(respond);
  TraceArrival(**pending);
  const auto next = version->Enqueue(*pending, now);
  if (next) return Arrange(version, *next);
  version->counters().OnRefused(FailureReason::kRejected);
  (*pending)->respond(Error(next.error()));
}

void Engine::Impl::TakeTurn(const VersionPtr& version) {
  const TimePoint now = clock.Now();
  ServedVersion::Turn turn = version->TakeTurn(now);
  Arrange(version, turn.next);  // first: another lane may go on meanwhile
  Shed(*version, std::move(turn.expired), now);
  if (!turn.batch.empty()) RunBatch(version, std::move(turn.batch), turn.sequence);
}

void Engine::Impl::RunBatch(const VersionPtr& version, std::vector<Pending> batch,
                            uint64_t sequence) {
  Execution execution = Execute(*version, batch, clock);
  std::vector<Pending> again;
  if (version->keeps_order()) {
    version->replies().Deliver(
        sequence, [version, batch = std::move(batch), execution = std::move(execution)]() mutable {
          AnswerAll(*version, std::move(batch), std::move(execution));
        });
  } else if (MayBeOneRequestsFault(execution, batch)) {
    version->counters().OnRetriedRun();
    again = std::move(batch);
  } else {
    AnswerAll(*version, std::move(batch), std::move(execution));
  }
  const ServedVersion::FollowUp next = version->EndTurn(again);
  if (!again.empty()) FailAll(*version, std::move(again), version->Refusal());
  Arrange(version, next);
}

void Engine::Impl::OnAlarm(const VersionPtr& version) {
  const TimePoint now = clock.Now();
  ServedVersion::Turn turn = version->OnAlarm(now);
  Shed(*version, std::move(turn.expired), now);
  Arrange(version, turn.next);
}

void Engine::Impl::Arrange(const VersionPtr& version, const ServedVersion::FollowUp& next) {
  if (next.alarm != TimePoint::max()) alarms.Set(version, next.alarm);
  if (next.schedule) lanes.Schedule(version);
  if (!next.rest) return;
  alarms.Forget(*version);
  reaper.Rest(version);
}

// --- ends ----------------------------------------------------------------------------------------

void Engine::Impl::OnBackendLost(const std::string& backend, const Status& why) {
  std::unique_lock lock(mu);
  if (stopped) return;
  ++losing;
  lock.unlock();
  LoseAll(backend, why);
  lock.lock();
  --losing;
  quiet.notify_all();
}

void Engine::Impl::LoseAll(const std::string& backend, const Status& why) {
  const auto models = roster.Lose(backend);
  LogWarning("engine", "backend '{}' lost its {} models: {}", backend, models.size(),
             why.message());
  std::unique_lock lock(mu);
  const auto callback = on_lost;
  lock.unlock();
  Abandon(models, fmt::format("was lost: {}; a retry loads it again", why.message()),
          [&](const Roster::ModelPtr& model) {
            if (callback) callback(ModelHandle(model), why);
          });
}

void Engine::Impl::Abandon(const std::vector<Roster::ModelPtr>& models, const std::string& why,
                           const std::function<void(const Roster::ModelPtr&)>& told) {
  struct Waiting {
    VersionPtr version;
    std::vector<Pending> requests;
  };
  std::vector<Waiting> waiting;
  for (const Roster::ModelPtr& model : models) {
    for (const VersionPtr& version : model->versions) {
      std::vector<Pending> requests;
      Arrange(version, version->Lose(why, requests));
      waiting.push_back({version, std::move(requests)});
    }
  }
  if (told)
    for (const Roster::ModelPtr& model : models) told(model);
  for (Waiting& each : waiting)
    FailAll(*each.version, std::move(each.requests), each.version->Refusal());
}

void Engine::Impl::Stop() {
  {
    std::unique_lock lock(mu);
    stopped = true;
    quiet.wait(lock, [this] { return losing == 0; });
  }
  Abandon(roster.Close(), "cannot be asked any more: the server is shutting down", {});
  lanes.Stop();
  alarms.Stop();
  reaper.Stop();
}

// --- the engine as others see it -----------------------------------------------------------------

Engine::Engine(EngineOptions options, BackendRegistry& registry, const Clock& clock)
    : impl_(std::make_shared<Impl>(options, registry, clock)) {
  registry.OnModelsLost(
      [weak = std::weak_ptr(impl_)](const std::string& backend, const Status& why) {
        if (const auto impl = weak.lock()) impl->OnBackendLost(backend, why);
      });
}

Engine::~Engine() { impl_->Stop(); }

Result<ModelHandle> Engine::Load(const LoadOptions& options) { return impl_->Load(options); }

void Engine::Unload(const ModelHandle& model, std::function<void()> done) {
  const auto& versions = model.model()->versions;
  for (const VersionPtr& version : versions) impl_->Arrange(version, version->Drain());
  if (done) model.model()->departure->Await(std::move(done));
}

void Engine::Infer(const ModelHandle& model, InferRequest request, InferResponder respond) {
  impl_->Infer(*model.model(), std::move(request), std::move(respond));
}

void Engine::OnModelLost(std::function<void(const ModelHandle& model, Status why)> callback) {
  std::lock_guard lock(impl_->mu);
  impl_->on_lost = std::move(callback);
}

double Engine::TakeLaneUtilization() { return impl_->lanes.TakeUtilization(); }

void Engine::OnClockMoved() { impl_->alarms.OnClockMoved(); }

}  // namespace sarai::engine
