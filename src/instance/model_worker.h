// The blocking work that residency asks for, on threads where it may block: looking an origin up,
// fetching, loading, deleting. Every result comes back on the strand.
//
// Its place: used by the model manager only. Threads: called on the strand; Stop once, from
// outside.
#pragma once

#include <functional>
#include <string>

#include "base/clock.h"
#include "base/executor.h"
#include "engine/engine.h"
#include "instance/artifact_source.h"
#include "instance/overhead_meter.h"

namespace sarai::instance {

template <typename T>
using ResultCallback = std::move_only_function<void(Result<T>)>;

struct FetchedArtifact {
  FoundVersion found;  // as fetched
  store::Artifact artifact;
  store::Measured measured;
};

struct LoadJob {
  std::string name;
  std::string directory;  // an unpacked artifact, or the user's model folder
  std::string config_json;
  std::string digest;  // of the artifact; empty = its figures are not kept
};

class ModelWorker {
 public:
  struct Threads {
    int lookup = 2, fetch = 4, load = 2;
  };
  ModelWorker(Threads threads, Executor& strand, const Clock& clock, ArtifactSource& source,
              engine::Engine& engine, OverheadMeter& overhead, engine::LoadOptions common);

  void Lookup(const ModelOrigin& origin, ResultCallback<FoundVersion> done);
  void Fetch(const ModelOrigin& origin, FoundVersion found,
             std::move_only_function<void(Result<FetchedArtifact>, Duration took)> done);
  void Load(LoadJob job,
            std::move_only_function<void(Result<engine::ModelHandle>, Duration took)> done);
  void Unload(const engine::ModelHandle& handle, std::move_only_function<void(Duration took)> done);
  // Errors are logged: the artifact is tried again when the disk tier is opened next.
  void Delete(const std::string& digest, Task done);
  void Inspect(const std::string& name, const std::string& folder,
               ResultCallback<engine::ModelInfo> done);
  // Anything else that blocks for a moment, but not on the network.
  void Do(Task task) { chores_.Post(std::move(task)); }

  // Ends transfers and waits for what runs.
  void Stop();

 private:
  Result<engine::ModelHandle> LoadNow(const LoadJob& job);
  engine::LoadOptions OptionsFor(std::string name, std::string directory) const;

  Executor& strand_;
  const Clock& clock_;
  ArtifactSource& source_;
  engine::Engine& engine_;
  OverheadMeter& overhead_;
  const engine::LoadOptions common_;  // of all models: what belongs to one is empty
  ThreadPool lookups_, fetches_, loads_;
  ThreadPool chores_;  // local disk and /proc: never behind a store that does not answer
};

}  // namespace sarai::instance
