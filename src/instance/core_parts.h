// What an instance is made of below its fronts, wired together: the disk tier, the engine, the
// model manager, and what is told of them.
//
// Its place: the core owns it. Threads: each part says its own. Invariant: members are destroyed
// from the last to the first: who uses goes before what is used.
#pragma once

#include <memory>
#include <string>

#include "base/clock.h"
#include "base/executor.h"
#include "base/status.h"
#include "engine/backend_registry.h"
#include "engine/engine.h"
#include "instance/artifact_source.h"
#include "instance/catalog.h"
#include "instance/event_log.h"
#include "instance/instance_metrics.h"
#include "instance/model_manager.h"
#include "instance/model_worker.h"
#include "instance/observability.h"
#include "instance/options.h"
#include "instance/overhead_meter.h"
#include "instance/process_sampler.h"
#include "instance/repository_list.h"
#include "instance/single_model.h"
#include "instance/step_caller.h"
#include "instance/storage.h"
#include "instance/triton_metrics.h"
#include "telemetry/decision_log.h"

namespace sarai::instance {

struct CoreParts {
  CoreParts(InstanceOptions instance_options, const Clock& the_clock, Catalog the_catalog,
            std::unique_ptr<Observability> the_observability, Storage storage);

  // What an earlier run left on disk is known again under its name; what no name leads to any more
  // goes.
  void AdoptDisk();
  // Unloads all models and ends all threads but the engine's. Once; blocks.
  void Stop();

  const InstanceOptions options;
  const Clock& clock;
  const Catalog catalog;
  const std::unique_ptr<Observability> observability;

  ThreadPool strand{"residency", 1};
  const std::shared_ptr<InstanceMetrics> metrics;
  TritonMetrics triton_metrics;
  EventLog events;
  telemetry::DecisionLog decisions;
  const std::unique_ptr<store::DiskTier> disk;
  ArtifactSource source;
  const RepositoryList repositories;
  engine::BackendRegistry registry;
  StepCaller steps;
  engine::Engine engine;
  OverheadMeter overhead;
  ModelWorker worker;
  ModelManager manager;
  ProcessSampler sampler;
  std::unique_ptr<SingleModel> single_model;  // null = the instance serves many

 private:
  engine::EngineOptions MakeEngineOptions();
  Result<engine::ModelInfo> FindStep(const std::string& name);
};

}  // namespace sarai::instance
