#include "instance/core_parts.h"

#include <future>
#include <utility>

#include "base/log.h"
#include "instance/part_options.h"

namespace sarai::instance {
namespace {

constexpr std::chrono::seconds kUnloadPatience{30};

}  // namespace

CoreParts::CoreParts(InstanceOptions instance_options, const Clock& the_clock, Catalog the_catalog,
                     std::unique_ptr<Observability> the_observability, Storage storage)
    : options(std::move(instance_options)),
      clock(the_clock),
      catalog(std::move(the_catalog)),
      observability(std::move(the_observability)),
      metrics(std::make_shared<InstanceMetrics>(options.max_models_in_metrics)),
      triton_metrics({.latencies = options.latency_metrics,
                      .cpu = options.cpu_metrics,
                      .interval = options.metrics_interval},
                     the_clock),
      events(options.event_capacity),
      decisions(options.decision_capacity, options.decision_file),
      disk(std::move(storage.disk)),
      source(std::move(storage.stores), disk.get(), options.disk_budget_bytes),
      repositories(catalog, source),
      registry(RegistryOptionsOf(options)),
      engine(MakeEngineOptions(), registry, clock),
      overhead(registry),
      worker({.lookup = options.lookup_threads,
              .fetch = options.fetch_threads,
              .load = options.loader_threads},
             {.common = LoadOptionsOf(options), .retries = options.load_retries},
             {.strand = strand,
              .clock = clock,
              .source = source,
              .repositories = repositories,
              .engine = engine,
              .overhead = overhead}),
      manager(ManagerOptionsOf(options), {.catalog = catalog,
                                          .worker = worker,
                                          .engine = engine,
                                          .strand = strand,
                                          .clock = clock,
                                          .metrics = metrics,
                                          .events = events,
                                          .decisions = decisions,
                                          .tracer = observability->tracer()}),
      sampler({.strand = strand,
               .clock = clock,
               .worker = worker,
               .manager = manager,
               .overhead = overhead,
               .engine = engine,
               .registry = registry},
              options.overhead_interval) {
  steps.Open(manager);
  if (const auto& name = catalog.single_model())
    single_model = std::make_unique<SingleModel>(*name, options.failure_memo, manager, clock);
}

engine::EngineOptions CoreParts::MakeEngineOptions() {
  engine::EngineOptions made = EngineOptionsOf(options);
  made.models = &steps;
  made.find_model = [this](const std::string& name) { return FindStep(name); };
  return made;
}

// What a step's model says of itself: loaded, or in its folder. What lies in a store tells nothing
// before it is fetched.
Result<engine::ModelInfo> CoreParts::FindStep(const std::string& name) {
  if (const ServingModelPtr loaded = manager.Serving(name)) return loaded->handle.info();
  SARAI_TRY(const ModelOrigin origin, catalog.Find(name));
  if (origin.kind == OriginKind::kSource) return engine::ModelInfo{};
  engine::LoadOptions load = LoadOptionsOf(options);
  load.directory = origin.url;
  load.name = name;
  return engine::InspectDirectory(load);
}

void CoreParts::AdoptDisk() {
  if (disk == nullptr) return;
  for (const store::Artifact& artifact : disk->List()) {
    const auto known = catalog.OriginOf(artifact.url);
    const auto latest = disk->FindAny(artifact.url);
    if (known && latest && latest->digest == artifact.digest) {
      manager.AddFromDisk(known->first, known->second, artifact,
                          source.MeasuredOf(artifact.digest));
      continue;
    }
    LogInfo("instance", "deleting '{}' from disk: no model leads to it", artifact.url);
    if (const Status status = disk->Delete(artifact.digest); !status.ok())
      LogWarning("instance", "cannot delete artifact {}: {}", artifact.digest, status.message());
  }
}

void CoreParts::Stop() {
  std::promise<void> unloaded;
  std::future<void> done = unloaded.get_future();
  manager.Stop([&unloaded] { unloaded.set_value(); });
  if (done.wait_for(kUnloadPatience) != std::future_status::ready)
    LogWarning("instance", "models are still draining after {} s: they are dropped",
               kUnloadPatience.count());
  worker.Stop();
  steps.Close();
  strand.Stop();
}

}  // namespace sarai::instance
