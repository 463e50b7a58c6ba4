#include "engine/engine.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

#include "base/log.h"
#include "engine/backend_registry.h"
#include "engine/loader.h"
#include "engine/model.h"
#include "engine/reaper.h"
#include "engine/response_stream.h"
#include "engine/roster.h"
#include "engine/serving.h"

namespace sarai::engine {
namespace {

constexpr int kMinLanes = 2;

using VersionPtr = std::shared_ptr<ServedVersion>;

int LaneCount(int wanted) {
  if (wanted > 0) return wanted;
  return std::max(kMinLanes, static_cast<int>(std::thread::hardware_concurrency()));
}

}  // namespace

// Locks: each part has its own, and none calls another with it held.
struct Engine::Impl {
  Impl(EngineOptions engine_options, BackendRegistry& backend_registry, const Clock& the_clock)
      : options(engine_options),
        registry(backend_registry),
        clock(the_clock),
        serving(
            LaneCount(options.lanes), clock, reaper,
            options.rate_limit ? std::make_unique<RateGate>(options.rate_limit_resources) : nullptr,
            options.models,
            options.response_cache_bytes > 0
                ? std::make_unique<ResponseCache>(options.response_cache_bytes)
                : nullptr) {}

  void Stop();

  Result<ModelHandle> Load(const LoadOptions& load);
  Result<LoadedModel> CarryOut(const LoadPlan& plan);
  Roster::ModelPtr Assemble(LoadedModel loaded);
  void Infer(const ModelHandle::Model& model, InferRequest request, InferResponder respond,
             bool again = false);

  void OnBackendLost(const std::string& backend, const Status& why);
  void LoseAll(const std::string& backend, const Status& why);
  struct WhoHears {
    std::function<void(const Roster::ModelPtr&)> told;  // of each model, before its requests
    std::function<void(InferRequest, InferResponder)> unbegun;
  };
  // Ends the models without running what waits; those requests are handed to `unbegun` or failed.
  void Abandon(const std::vector<Roster::ModelPtr>& models, const std::string& why,
               const WhoHears& who);

  // Constant after construction.
  const EngineOptions options;
  BackendRegistry& registry;
  const Clock& clock;

  // Guarded by mu.
  std::mutex mu;
  std::condition_variable quiet;
  std::function<void(const ModelHandle&, Status)> on_lost;
  std::function<void(InferRequest, InferResponder)> on_unbegun;
  int losing = 0;  // calls of OnBackendLost under way: Stop waits for them
  bool stopped = false;

  std::atomic<uint64_t> loads = 0;  // of versions, ever

  // Own synchronisation. Serving, which uses the others, ends first.
  Roster roster;
  Reaper reaper;
  Serving serving;
};

// --- loading -------------------------------------------------------------------------------------

Result<ModelHandle> Engine::Impl::Load(const LoadOptions& load) {
  const TimePoint start = clock.Now();
  SARAI_TRY(const LoadPlan plan, PlanLoad(load));
  const uint64_t losses = roster.LossesOf(plan.backend);
  auto loaded = CarryOut(plan);
  if (!loaded) return Error(std::move(loaded).error());
  loaded->info.load_time = clock.Now() - start;
  const Roster::ModelPtr model = Assemble(std::move(*loaded));
  // Registered before anybody can unload it: it leaves the roster with its last version.
  model->departure->Await([this, key = model.get()] { roster.Remove(key); });
  for (const VersionPtr& version : model->versions) {
    if (const Status admitted = serving.Admit(version); !admitted.ok()) {
      Abandon({model}, admitted.message(), {});
      return Error(admitted.WithContext(fmt::format("model '{}'", plan.name)));
    }
  }
  if (const Status added = roster.Add(model, losses); !added.ok()) {
    Abandon({model}, added.message(), {});
    return Error(added);
  }
  return ModelHandle(model);
}

Result<LoadedModel> Engine::Impl::CarryOut(const LoadPlan& plan) {
  if (plan.backend.empty()) {
    if (options.models != nullptr && options.find_model)
      return CarryOutEnsemble(plan, options.find_model);
    return Error(Code::kUnimplemented, "model '{}' is an ensemble, which nobody runs here",
                 plan.name);
  }
  auto backend = registry.Get(plan.backend);
  if (!backend) return Error(backend.error().WithContext(fmt::format("model '{}'", plan.name)));
  auto loaded = engine::CarryOut(plan, **backend);
  // Reading and optimising a model leaves holes in the heap as large as the model, whatever the
  // end.
  reaper.Tidy(*backend);
  return loaded;
}

Roster::ModelPtr Engine::Impl::Assemble(LoadedModel loaded) {
  auto model = std::make_shared<ModelHandle::Model>();
  model->info = std::move(loaded.info);
  model->departure = std::make_shared<Departure>(static_cast<int>(loaded.versions.size()));
  for (ServedVersion::Parts& parts : loaded.versions)
    model->versions.push_back(std::make_shared<ServedVersion>(
        std::move(parts),
        ServedVersion::Options{.default_max_queue_size = options.default_max_queue_size,
                               .load_number = ++loads,
                               .run_here_median_max = options.run_here_median_max},
        model->departure));
  return model;
}

// --- serving -------------------------------------------------------------------------------------

void Engine::Impl::Infer(const ModelHandle::Model& model, InferRequest request,
                         InferResponder respond, bool again) {
  const VersionPtr version = model.Find(request.version);
  if (version != nullptr)
    return serving.Infer(version, std::move(request), std::move(respond), again);
  respond(Error(Code::kNotFound,
                "Request for unknown model: '{}' version {} is not found; it serves {}",
                model.info.spec.name, request.version, fmt::join(model.info.versions, ", ")));
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
  const auto unbegun = on_unbegun;
  lock.unlock();
  Abandon(models, fmt::format("was lost: {}; a retry loads it again", why.message()),
          {.told =
               [&](const Roster::ModelPtr& model) {
                 if (callback) callback(ModelHandle(model), why);
               },
           .unbegun = unbegun});
}

void Engine::Impl::Abandon(const std::vector<Roster::ModelPtr>& models, const std::string& why,
                           const WhoHears& who) {
  std::vector<std::pair<VersionPtr, ServedVersion::Lost>> waiting;
  for (const Roster::ModelPtr& model : models) {
    for (const VersionPtr& version : model->versions) {
      waiting.emplace_back(version, version->Lose(why));
      serving.Arrange(version, waiting.back().second.next);
    }
  }
  if (who.told)
    for (const Roster::ModelPtr& model : models) who.told(model);
  for (auto& [version, lost] : waiting) {
    if (who.unbegun)
      for (auto& [request, respond] : Serving::TakeBack(*version, lost.requests))
        who.unbegun(std::move(request), std::move(respond));
    Serving::FailAll(*version, std::move(lost.requests), version->Refusal());
    for (const auto& stream : lost.streams) stream->Fail(version->Refusal());
  }
}

void Engine::Impl::Stop() {
  {
    std::unique_lock lock(mu);
    stopped = true;
    quiet.wait(lock, [this] { return losing == 0; });
  }
  Abandon(roster.Close(), "cannot be asked any more: the server is shutting down", {});
  serving.Stop();
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
  for (const VersionPtr& version : versions) impl_->serving.Arrange(version, version->Drain());
  if (done) model.model()->departure->Await(std::move(done));
}

void Engine::Infer(const ModelHandle& model, InferRequest request, InferResponder respond) {
  impl_->Infer(*model.model(), std::move(request), std::move(respond));
}

void Engine::InferAgain(const ModelHandle& model, InferRequest request, InferResponder respond) {
  impl_->Infer(*model.model(), std::move(request), std::move(respond), /*again=*/true);
}

void Engine::OnModelLost(std::function<void(const ModelHandle& model, Status why)> callback) {
  std::lock_guard lock(impl_->mu);
  impl_->on_lost = std::move(callback);
}

void Engine::OnUnbegun(std::function<void(InferRequest, InferResponder)> callback) {
  std::lock_guard lock(impl_->mu);
  impl_->on_unbegun = std::move(callback);
}

double Engine::TakeLaneUtilization() { return impl_->serving.TakeLaneUtilization(); }

void Engine::OnClockMoved() { impl_->serving.OnClockMoved(); }

}  // namespace sarai::engine
