// The blocking work that residency asks for, on threads where it may block: looking an origin up,
// fetching, loading, deleting. Every result comes back on the strand.
//
// Its place: used by the model manager only. Threads: called on the strand; Stop once, from
// outside.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/executor.h"
#include "engine/engine.h"
#include "instance/artifact_source.h"
#include "instance/overhead_meter.h"
#include "instance/override_files.h"
#include "instance/repository_list.h"

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

struct LoadOutcome {
  Result<engine::ModelHandle> handle;
  Duration took{0};
  bool config_at_fault = false;  // it failed, and would without the framework
};

// How every model is loaded and looked at.
struct LoadRules {
  engine::LoadOptions common;  // what belongs to one model is empty
  int retries = 0;             // of a load that failed, at once
};

// What the worker works with; all of it outlives the worker.
struct WorkerParts {
  Executor& strand;
  const Clock& clock;
  ArtifactSource& source;
  const RepositoryList& repositories;
  engine::Engine& engine;
  OverheadMeter& overhead;
};

class ModelWorker {
 public:
  struct Threads {
    int lookup = 2, fetch = 4, load = 2;
  };
  ModelWorker(Threads threads, LoadRules rules, WorkerParts parts);

  void Lookup(const ModelOrigin& origin, ResultCallback<FoundVersion> done);
  void Fetch(const ModelOrigin& origin, FoundVersion found,
             std::move_only_function<void(Result<FetchedArtifact>, Duration took)> done);
  void Load(LoadJob job, std::move_only_function<void(LoadOutcome)> done);
  void Unload(const engine::ModelHandle& handle, std::move_only_function<void(Duration took)> done);
  // Errors are logged: the artifact is tried again when the disk tier is opened next.
  void Delete(const std::string& digest, Task done);
  void Inspect(const std::string& name, const std::string& folder, const std::string& config_json,
               ResultCallback<engine::ModelInfo> done);
  // Reads a model's configuration without loading it.
  Result<engine::ModelInfo> InspectNow(const std::string& name, const std::string& folder,
                                       const std::string& config_json) const;
  void ListNames(ResultCallback<std::vector<ListedModel>> done);
  void ListTags(ResultCallback<policy::RepositoryTags> done);
  // A folder made of these files; it goes with the last share in its name.
  void WriteFiles(std::map<std::string, Blob> files,
                  ResultCallback<std::shared_ptr<const std::string>> done);
  // Anything else that blocks for a moment, but not on the network.
  void Do(Task task) { chores_.Post(std::move(task)); }

  // Ends transfers and waits for what runs.
  void Stop();

 private:
  Result<engine::ModelHandle> LoadNow(const LoadJob& job);
  engine::LoadOptions OptionsFor(const std::string& name, const std::string& directory,
                                 const std::string& config_json) const;
  template <typename T>
  void Look(ResultCallback<T> done, Result<T> (RepositoryList::*look)() const);

  const LoadRules rules_;
  const WorkerParts parts_;
  OverrideFiles files_;
  ThreadPool lookups_, fetches_, loads_;
  ThreadPool chores_;  // local disk and /proc: never behind a store that does not answer
};

}  // namespace sarai::instance
