#include "store/disk_tier.h"

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <mutex>

#include "base/log.h"
#include "store/blob_pool.h"
#include "store/directory_lock.h"
#include "store/fetch_index.h"
#include "store/files.h"
#include "store/folder.h"
#include "store/measured_figures.h"
#include "store/tree_builder.h"
#include "store/tree_store.h"
#include "store/unpack.h"

namespace sarai::store {
namespace fs = std::filesystem;
namespace {

constexpr uint64_t kDefaultMaxUnpackedBytes = 64ull << 30;
constexpr uint64_t kMostUnpackedBytes = 1ull << 60;  // sums of bounds stay far from overflow
constexpr uint64_t kMostEntries = 100'000'000;

// A folder that goes away with its owner.
class ScratchFolder {
 public:
  explicit ScratchFolder(std::string path) : path_(std::move(path)) {}
  ~ScratchFolder() {
    const Status removed = RemoveAll(path_);
    if (!removed.ok()) LogWarning("store", "{}", removed.message());
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  Status Make() const { return MakeDirectory(path_); }
  const std::string& path() const { return path_; }

 private:
  const std::string path_;
};

}  // namespace

struct DiskTier::Impl {
  Impl(DiskTierOptions checked_options, DirectoryLock directory_lock)
      : options(std::move(checked_options)),
        lock(std::move(directory_lock)),
        blobs(options.directory + "/blobs"),
        measured(options.directory + "/measured"),
        trees(blobs, options.directory),
        index(options.directory + "/index") {}

  Status Open();
  std::string FreeName() { return fmt::format("{}/tmp/{}", options.directory, next_name++); }
  UnpackLimits Limits(uint64_t budget_bytes) const;
  Artifact Describe(const std::string& digest, std::string url, std::string etag) const;
  using Fill = std::function<Status(TreeBuilder&, const UnpackLimits&)>;
  Result<Artifact> Unpack(const std::string& url, const std::string& etag, uint64_t budget_bytes,
                          const Fill& fill);
  Result<Artifact> Publish(TreeBuilder& builder, const Manifest& manifest,
                           const std::string& scratch, const std::string& url,
                           const std::string& etag);

  // Constant after construction.
  const DiskTierOptions options;
  const DirectoryLock lock;
  // With synchronisation of their own.
  std::atomic<uint64_t> next_name = 0;
  BlobPool blobs;
  MeasuredFigures measured;
  // Guarded by mu, except TreeStore::Build.
  mutable std::mutex mu;
  TreeStore trees;
  FetchIndex index;
};

Status DiskTier::Impl::Open() {
  SARAI_CHECK_OK(RemoveAll(options.directory + "/tmp"));
  SARAI_CHECK_OK(MakeDirectory(options.directory + "/tmp"));
  SARAI_CHECK_OK(blobs.Open());
  SARAI_CHECK_OK(trees.Open());
  SARAI_CHECK_OK(index.Open([this](const std::string& digest) { return trees.Contains(digest); }));
  SARAI_CHECK_OK(measured.Open());
  return blobs.RemoveUnreferenced();
}

UnpackLimits DiskTier::Impl::Limits(uint64_t budget_bytes) const {
  UnpackLimits limits{.max_bytes = options.max_unpacked_bytes, .max_entries = options.max_entries};
  if (budget_bytes > 0) limits.max_bytes = std::min(limits.max_bytes, budget_bytes);
  return limits;
}

Artifact DiskTier::Impl::Describe(const std::string& digest, std::string url,
                                  std::string etag) const {
  return {.digest = digest,
          .directory = trees.PathOf(digest),
          .bytes = trees.bytes(digest),
          .unique_bytes = trees.unique_bytes(digest),
          .url = std::move(url),
          .etag = std::move(etag)};
}

Result<Artifact> DiskTier::Impl::Unpack(const std::string& url, const std::string& etag,
                                        uint64_t budget_bytes, const Fill& fill) {
  const UnpackLimits limits = Limits(budget_bytes);
  const ScratchFolder scratch(FreeName());
  SARAI_CHECK_OK(scratch.Make());
  TreeBuilder builder(blobs, scratch.path(), limits);
  SARAI_CHECK_OK(fill(builder, limits));
  SARAI_TRY(const Manifest manifest, builder.Finish());
  SARAI_CHECK_OK(trees.Build(manifest, scratch.path()));
  return Publish(builder, manifest, scratch.path(), url, etag);
}

Result<Artifact> DiskTier::Impl::Publish(TreeBuilder& builder, const Manifest& manifest,
                                         const std::string& scratch, const std::string& url,
                                         const std::string& etag) {
  std::lock_guard guard(mu);
  SARAI_TRY(const std::string digest, trees.Publish(manifest, scratch));
  builder.Release();
  Status recorded = index.Record(url, {.etag = etag, .digest = digest}, scratch + "/index");
  if (recorded.ok()) return Describe(digest, url, etag);
  // Nobody could find the tree again, so it must not take up room.
  if (!index.Knows(digest)) {
    SARAI_TRY(const auto gone, trees.Remove(digest, scratch + "/gone"));
  }
  return Error(std::move(recorded));
}

Result<std::unique_ptr<DiskTier>> DiskTier::Open(DiskTierOptions options) {
  std::error_code error;
  options.directory = fs::absolute(options.directory, error).lexically_normal().string();
  while (options.directory.size() > 1 && options.directory.ends_with('/')) {
    options.directory.pop_back();
  }
  if (options.max_unpacked_bytes == 0) options.max_unpacked_bytes = kDefaultMaxUnpackedBytes;
  options.max_unpacked_bytes = std::min(options.max_unpacked_bytes, kMostUnpackedBytes);
  options.max_entries = std::min(options.max_entries, kMostEntries);
  fs::create_directories(options.directory, error);
  if (error) {
    return Error(Code::kFailedPrecondition, "cannot make the folder '{}': {}", options.directory,
                 error.message());
  }
  SARAI_TRY(DirectoryLock lock, DirectoryLock::Take(options.directory));
  auto impl = std::make_unique<Impl>(std::move(options), std::move(lock));
  const Status opened = impl->Open();
  if (!opened.ok()) {
    return Error(opened.WithContext(fmt::format("opening '{}'", impl->options.directory)));
  }
  return std::unique_ptr<DiskTier>(new DiskTier(std::move(impl)));
}

DiskTier::DiskTier(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
DiskTier::~DiskTier() = default;

std::optional<Artifact> DiskTier::Find(const std::string& url, const std::string& etag) const {
  std::lock_guard guard(impl_->mu);
  const auto digest = impl_->index.Find(url, etag);
  if (!digest) return std::nullopt;
  return impl_->Describe(*digest, url, etag);
}

std::optional<Artifact> DiskTier::FindAny(const std::string& url) const {
  std::lock_guard guard(impl_->mu);
  auto last = impl_->index.Last(url);
  if (!last) return std::nullopt;
  return impl_->Describe(last->digest, url, std::move(last->etag));
}

Result<Artifact> DiskTier::Fetch(ObjectStore& store, const ObjectInfo& info, const std::string& url,
                                 uint64_t budget_bytes) {
  if (auto here = Find(url, info.etag)) return *here;
  const auto fill = [&](TreeBuilder& builder, const UnpackLimits& limits) {
    const auto produce = [&](const ByteSink& sink) { return store.Get(info, sink); };
    return UnpackArchive(produce, builder, limits);
  };
  auto artifact = impl_->Unpack(url, info.etag, budget_bytes, fill);
  if (!artifact) return Error(artifact.error().WithContext(fmt::format("fetching '{}'", url)));
  return artifact;
}

Result<Artifact> DiskTier::FetchFolder(ObjectStore& store, const std::string& prefix,
                                       const std::string& url, uint64_t budget_bytes) {
  const auto folder = ListFolder(store, prefix, impl_->options.max_entries);
  if (!folder) return Error(folder.error().WithContext(fmt::format("fetching '{}'", url)));
  if (auto here = Find(url, folder->info.etag)) return *here;
  const auto fill = [&](TreeBuilder& builder, const UnpackLimits&) {
    return CopyFolderInto(builder, store, *folder);
  };
  auto artifact = impl_->Unpack(url, folder->info.etag, budget_bytes, fill);
  if (!artifact) return Error(artifact.error().WithContext(fmt::format("fetching '{}'", url)));
  return artifact;
}

Status DiskTier::Delete(const std::string& digest) {
  std::string trash;
  {
    std::lock_guard guard(impl_->mu);
    SARAI_TRY(trash, impl_->trees.Remove(digest, impl_->FreeName()));
    impl_->index.Forget(digest, impl_->FreeName());
  }
  return trash.empty() ? Status() : RemoveAll(trash);
}

std::optional<Measured> DiskTier::measured(const std::string& digest) const {
  return impl_->measured.Find(digest);
}

void DiskTier::SetMeasured(const std::string& digest, const Measured& measured) {
  const Status kept = impl_->measured.Set(digest, measured, impl_->FreeName());
  if (!kept.ok())
    LogWarning("store", "measured figures are kept in memory only: {}", kept.message());
}

std::vector<Artifact> DiskTier::List() const {
  std::lock_guard guard(impl_->mu);
  const auto sources = impl_->index.Sources();
  std::vector<Artifact> artifacts;
  for (const std::string& digest : impl_->trees.Digests()) {
    const auto found = sources.find(digest);
    const auto [url, version] = found == sources.end() ? decltype(found->second)() : found->second;
    artifacts.push_back(impl_->Describe(digest, url, version.etag));
  }
  return artifacts;
}

uint64_t DiskTier::used_bytes() const { return impl_->blobs.used_bytes(); }

}  // namespace sarai::store
