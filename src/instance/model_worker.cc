#include "instance/model_worker.h"

#include <memory>
#include <utility>

#include "base/log.h"

namespace sarai::instance {
namespace {

constexpr int kChoreThreads = 2;

}  // namespace

ModelWorker::ModelWorker(Threads threads, Executor& strand, const Clock& clock,
                         ArtifactSource& source, engine::Engine& engine, OverheadMeter& overhead,
                         engine::LoadOptions common)
    : strand_(strand),
      clock_(clock),
      source_(source),
      engine_(engine),
      overhead_(overhead),
      common_(std::move(common)),
      lookups_("lookup", threads.lookup),
      fetches_("fetch", threads.fetch),
      loads_("load", threads.load),
      chores_("chores", kChoreThreads) {}

void ModelWorker::Lookup(const ModelOrigin& origin, ResultCallback<FoundVersion> done) {
  ThreadPool& pool = origin.kind == OriginKind::kSource ? lookups_ : chores_;
  pool.Post([this, origin, done = std::move(done)]() mutable {
    auto found = source_.Find(origin);
    strand_.Post(
        [found = std::move(found), done = std::move(done)]() mutable { done(std::move(found)); });
  });
}

void ModelWorker::Fetch(const ModelOrigin& origin, FoundVersion found,
                        std::move_only_function<void(Result<FetchedArtifact>, Duration)> done) {
  fetches_.Post([this, origin, found = std::move(found), done = std::move(done)]() mutable {
    const TimePoint began = clock_.Now();
    Result<FetchedArtifact> result = FetchedArtifact{};
    if (auto artifact = source_.Fetch(origin, found))
      *result = {std::move(found), *artifact, source_.MeasuredOf(artifact->digest)};
    else
      result = Error(artifact.error());
    strand_.Post([result = std::move(result), took = clock_.Now() - began,
                  done = std::move(done)]() mutable { done(std::move(result), took); });
  });
}

void ModelWorker::Load(LoadJob job,
                       std::move_only_function<void(Result<engine::ModelHandle>, Duration)> done) {
  loads_.Post([this, job = std::move(job), done = std::move(done)]() mutable {
    const TimePoint began = clock_.Now();
    auto handle = LoadNow(job);
    const Duration took = clock_.Now() - began;
    if (handle && !job.digest.empty())
      source_.Remember(job.digest,
                       {.memory_bytes = handle->info().memory_bytes, .load_time = took});
    strand_.Post([handle = std::move(handle), took, done = std::move(done)]() mutable {
      done(std::move(handle), took);
    });
  });
}

engine::LoadOptions ModelWorker::OptionsFor(std::string name, std::string directory) const {
  engine::LoadOptions options = common_;
  options.name = std::move(name);
  options.directory = std::move(directory);
  return options;
}

Result<engine::ModelHandle> ModelWorker::LoadNow(const LoadJob& job) {
  engine::LoadOptions options = OptionsFor(job.name, job.directory);
  options.config_json = job.config_json;
  auto handle = overhead_.Load(engine_, options);
  if (handle || handle.error().code() != Code::kNotFound) return handle;
  // The model exists; it is what it holds that is not there.
  return Error(Code::kInvalidArgument, "{}", handle.error().message());
}

void ModelWorker::Unload(const engine::ModelHandle& handle,
                         std::move_only_function<void(Duration)> done) {
  // Shared, because std::function wants to be copied; called once.
  auto shared = std::make_shared<std::move_only_function<void(Duration)>>(std::move(done));
  engine_.Unload(handle, [this, shared, began = clock_.Now()] {
    strand_.Post([shared, took = clock_.Now() - began] { (*shared)(took); });
  });
}

void ModelWorker::Delete(const std::string& digest, Task done) {
  chores_.Post([this, digest, done = std::move(done)]() mutable {
    if (const Status status = source_.Delete(digest); !status.ok())
      LogWarning("instance", "cannot delete artifact {}: {}", digest, status.message());
    strand_.Post(std::move(done));
  });
}

void ModelWorker::Inspect(const std::string& name, const std::string& folder,
                          ResultCallback<engine::ModelInfo> done) {
  chores_.Post([this, name, folder, done = std::move(done)]() mutable {
    auto info = engine::InspectDirectory(OptionsFor(name, folder));
    strand_.Post(
        [info = std::move(info), done = std::move(done)]() mutable { done(std::move(info)); });
  });
}

void ModelWorker::Stop() {
  source_.Cancel();
  loads_.Stop();
  fetches_.Stop();
  lookups_.Stop();
  chores_.Stop();
}

}  // namespace sarai::instance
