#include "instance/model_worker.h"

#include <memory>
#include <utility>

#include "base/log.h"

namespace sarai::instance {
namespace {

constexpr int kChoreThreads = 2;

}  // namespace

ModelWorker::ModelWorker(Threads threads, LoadRules rules, WorkerParts parts)
    : rules_(std::move(rules)),
      parts_(parts),
      lookups_("lookup", threads.lookup),
      fetches_("fetch", threads.fetch),
      loads_("load", threads.load),
      chores_("chores", kChoreThreads) {}

void ModelWorker::Lookup(const ModelOrigin& origin, ResultCallback<FoundVersion> done) {
  const bool remote = origin.kind == OriginKind::kSource || !origin.others.empty();
  ThreadPool& pool = remote ? lookups_ : chores_;
  pool.Post([this, origin, done = std::move(done)]() mutable {
    auto found = parts_.source.Find(origin);
    parts_.strand.Post(
        [found = std::move(found), done = std::move(done)]() mutable { done(std::move(found)); });
  });
}

void ModelWorker::Fetch(const ModelOrigin& origin, FoundVersion found,
                        std::move_only_function<void(Result<FetchedArtifact>, Duration)> done) {
  fetches_.Post([this, origin, found = std::move(found), done = std::move(done)]() mutable {
    const TimePoint began = parts_.clock.Now();
    Result<FetchedArtifact> result = FetchedArtifact{};
    if (auto artifact = parts_.source.Fetch(origin, found))
      *result = {std::move(found), *artifact, parts_.source.MeasuredOf(artifact->digest)};
    else
      result = Error(artifact.error());
    parts_.strand.Post([result = std::move(result), took = parts_.clock.Now() - began,
                        done = std::move(done)]() mutable { done(std::move(result), took); });
  });
}

void ModelWorker::Load(LoadJob job, std::move_only_function<void(LoadOutcome)> done) {
  loads_.Post([this, job = std::move(job), done = std::move(done)]() mutable {
    const TimePoint began = parts_.clock.Now();
    LoadOutcome outcome{.handle = LoadNow(job)};
    outcome.took = parts_.clock.Now() - began;
    if (outcome.handle && !job.digest.empty())
      parts_.source.Remember(job.digest, {.memory_bytes = outcome.handle->info().memory_bytes,
                                          .load_time = outcome.took});
    outcome.config_at_fault =
        !outcome.handle && !InspectNow(job.name, job.directory, job.config_json);
    parts_.strand.Post([outcome = std::move(outcome), done = std::move(done)]() mutable {
      done(std::move(outcome));
    });
  });
}

engine::LoadOptions ModelWorker::OptionsFor(const std::string& name, const std::string& directory,
                                            const std::string& config_json) const {
  engine::LoadOptions options = rules_.common;
  options.name = name;
  options.directory = directory;
  options.config_json = config_json;
  return options;
}

Result<engine::ModelHandle> ModelWorker::LoadNow(const LoadJob& job) {
  const engine::LoadOptions options = OptionsFor(job.name, job.directory, job.config_json);
  auto handle = parts_.overhead.Load(parts_.engine, options);
  for (int retry = 0; !handle && retry < rules_.retries; ++retry) {
    LogWarning("instance", "{}; trying again", handle.error().message());
    handle = parts_.overhead.Load(parts_.engine, options);
  }
  if (handle || handle.error().code() != Code::kNotFound) return handle;
  // The model exists; it is what it holds that is not there.
  return Error(Code::kInvalidArgument, "{}", handle.error().message());
}

void ModelWorker::Unload(const engine::ModelHandle& handle,
                         std::move_only_function<void(Duration)> done) {
  // Shared, because std::function wants to be copied; called once.
  auto shared = std::make_shared<std::move_only_function<void(Duration)>>(std::move(done));
  parts_.engine.Unload(handle, [this, shared, began = parts_.clock.Now()] {
    parts_.strand.Post([shared, took = parts_.clock.Now() - began] { (*shared)(took); });
  });
}

void ModelWorker::Delete(const std::string& digest, Task done) {
  chores_.Post([this, digest, done = std::move(done)]() mutable {
    if (const Status status = parts_.source.Delete(digest); !status.ok())
      LogWarning("instance", "cannot delete artifact {}: {}", digest, status.message());
    parts_.strand.Post(std::move(done));
  });
}

Result<engine::ModelInfo> ModelWorker::InspectNow(const std::string& name,
                                                  const std::string& folder,
                                                  const std::string& config_json) const {
  return engine::InspectDirectory(OptionsFor(name, folder, config_json));
}

void ModelWorker::Inspect(const std::string& name, const std::string& folder,
                          const std::string& config_json, ResultCallback<engine::ModelInfo> done) {
  chores_.Post([this, name, folder, config_json, done = std::move(done)]() mutable {
    auto info = InspectNow(name, folder, config_json);
    parts_.strand.Post(
        [info = std::move(info), done = std::move(done)]() mutable { done(std::move(info)); });
  });
}

template <typename T>
void ModelWorker::Look(ResultCallback<T> done, Result<T> (RepositoryList::*look)() const) {
  ThreadPool& pool = parts_.repositories.remote() ? lookups_ : chores_;
  pool.Post([this, look, done = std::move(done)]() mutable {
    auto seen = (parts_.repositories.*look)();
    parts_.strand.Post(
        [seen = std::move(seen), done = std::move(done)]() mutable { done(std::move(seen)); });
  });
}

void ModelWorker::ListNames(ResultCallback<std::vector<ListedModel>> done) {
  Look(std::move(done), &RepositoryList::Names);
}

void ModelWorker::ListTags(ResultCallback<policy::RepositoryTags> done) {
  Look(std::move(done), &RepositoryList::Tags);
}

void ModelWorker::WriteFiles(std::map<std::string, Blob> files,
                             ResultCallback<std::shared_ptr<const std::string>> done) {
  chores_.Post([this, files = std::move(files), done = std::move(done)]() mutable {
    Result<std::shared_ptr<const std::string>> shared = nullptr;
    if (auto folder = files_.Write(files))
      *shared = {new std::string(std::move(*folder)), [this](const std::string* name) {
                   Do([this, folder = *name] { files_.Remove(folder); });
                   delete name;
                 }};
    else
      shared = Error(folder.error());
    parts_.strand.Post([shared = std::move(shared), done = std::move(done)]() mutable {
      done(std::move(shared));
    });
  });
}

void ModelWorker::Stop() {
  parts_.source.Cancel();
  loads_.Stop();
  fetches_.Stop();
  lookups_.Stop();
  chores_.Stop();
}

}  // namespace sarai::instance
