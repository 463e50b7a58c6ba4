#include "instance/artifact_source.h"

#include <utility>

#include "base/log.h"
#include "instance/model_folder.h"
#include "store/folder.h"

namespace sarai::instance {
namespace {

constexpr uint64_t kMaxFolderObjects = 100'000;
constexpr int kMaxFetchAttempts = 3;  // when the object changes under a transfer

// The same store, whose transfers end once `cancelled` is set.
class CancellableStore final : public store::ObjectStore {
 public:
  CancellableStore(store::ObjectStore& store, std::shared_ptr<std::atomic<bool>> cancelled)
      : store_(store), cancelled_(std::move(cancelled)) {}

  Result<store::ObjectInfo> Head(const std::string& key) override {
    SARAI_CHECK_OK(Check());
    return store_.Head(key);
  }

  Status Get(const store::ObjectInfo& info, const store::ByteSink& sink) override {
    return store_.Get(info, [&](std::span<const std::byte> bytes) -> Status {
      SARAI_CHECK_OK(Check());
      return sink(bytes);
    });
  }

  Result<store::ListPage> List(const std::string& prefix, bool by_folder,
                               const std::string& continuation) override {
    SARAI_CHECK_OK(Check());
    return store_.List(prefix, by_folder, continuation);
  }

 private:
  Status Check() const {
    if (!*cancelled_) return {};
    return Status(Code::kCancelled, "the instance is stopping");
  }

  store::ObjectStore& store_;
  const std::shared_ptr<std::atomic<bool>> cancelled_;
};

bool IsFolderKey(const std::string& key) { return key.ends_with('/'); }

bool IsPassing(Code code) { return code == Code::kUnavailable || code == Code::kDeadlineExceeded; }

}  // namespace

ArtifactSource::ArtifactSource(ObjectStores stores, store::DiskTier* disk,
                               uint64_t disk_budget_bytes)
    : stores_(std::move(stores)), disk_(disk), disk_budget_bytes_(disk_budget_bytes) {}

std::unique_ptr<store::ObjectStore> ArtifactSource::Objects(size_t store) const {
  return std::make_unique<CancellableStore>(*stores_.at(store), cancelled_);
}

Result<FoundVersion> ArtifactSource::Find(const ModelOrigin& origin) const {
  return origin.others.empty() ? FindOne(origin) : FindAmong(origin);
}

Result<FoundVersion> ArtifactSource::FindAmong(const ModelOrigin& origin) const {
  std::vector<ModelOrigin> places = origin.others;
  places.insert(places.begin(), origin);
  places.front().others.clear();
  std::optional<FoundVersion> there;
  std::vector<std::string> urls;
  Status missing;
  for (ModelOrigin& place : places) {
    auto found = FindOne(place);
    if (!found && found.error().code() != Code::kNotFound) return found;
    if (!found) {
      missing = found.error();
      continue;
    }
    urls.push_back(place.url);
    there = std::move(*found);
    there->origin = std::move(place);
  }
  if (urls.size() > 1) {
    std::string_view name = urls.front();
    if (name.ends_with('/')) name.remove_suffix(1);
    return Error(Catalog::Ambiguous(std::string(name.substr(name.rfind('/') + 1)), urls));
  }
  if (!there) return Error(missing);
  return std::move(*there);
}

Result<FoundVersion> ArtifactSource::FindOne(const ModelOrigin& origin) const {
  if (origin.kind == OriginKind::kSource) return FindObject(origin);
  SARAI_TRY(FolderFacts facts, LookAtFolder(origin.url));
  return FoundVersion{.tag = std::move(facts.fingerprint), .bytes = facts.bytes};
}

Result<store::ObjectInfo> ArtifactSource::Head(const ModelOrigin& origin) const {
  const auto store = Objects(origin.store);
  if (!IsFolderKey(origin.key)) return store->Head(origin.key);
  SARAI_TRY(store::Folder folder, store::ListFolder(*store, origin.key, kMaxFolderObjects));
  return folder.info;
}

Result<FoundVersion> ArtifactSource::FindObject(const ModelOrigin& origin) const {
  auto object = Head(origin);
  if (object) return Describe(origin, std::move(*object));
  if (IsPassing(object.error().code())) {
    if (auto artifact = disk_->FindAny(origin.url)) {
      FoundVersion found = Describe(origin, {.key = origin.key, .etag = artifact->etag});
      found.on_disk = std::move(artifact);
      found.measured = MeasuredOf(found.on_disk->digest);
      found.store_unreachable = true;
      return found;
    }
  }
  if (object.error().code() == Code::kNotFound && origin.repository)
    return Error(Code::kNotFound, "there is no model folder '{}'", origin.url);
  if (object.error().code() == Code::kNotFound)
    return Error(Code::kNotFound,
                 "no model data at '{}': make sure that there is an object at that URL and that it "
                 "may be read",
                 origin.url);
  return Error(object.error().WithContext(origin.url));
}

FoundVersion ArtifactSource::Describe(const ModelOrigin& origin, store::ObjectInfo object) const {
  FoundVersion found{.tag = object.etag, .bytes = object.size, .object = std::move(object)};
  found.on_disk = disk_->Find(origin.url, found.tag);
  if (found.on_disk) found.measured = MeasuredOf(found.on_disk->digest);
  return found;
}

Result<store::Artifact> ArtifactSource::Fetch(const ModelOrigin& origin,
                                              FoundVersion& found) const {
  const auto store = Objects(origin.store);
  if (IsFolderKey(origin.key)) {
    SARAI_TRY(store::Artifact artifact,
              disk_->FetchFolder(*store, origin.key, origin.url, disk_budget_bytes_));
    found.tag = artifact.etag;  // of the listing that it was made from
    return artifact;
  }
  for (int attempt = 1;; ++attempt) {
    auto artifact = disk_->Fetch(*store, found.object, origin.url, disk_budget_bytes_);
    if (artifact) return artifact;
    const bool changed = artifact.error().code() == Code::kFailedPrecondition;
    if (!changed || attempt == kMaxFetchAttempts) return Error(artifact.error());
    LogInfo("instance", "'{}' changed while it was fetched: once more", origin.url);
    SARAI_TRY(found, FindObject(origin));
    if (found.on_disk) return *found.on_disk;
  }
}

Status ArtifactSource::Delete(const std::string& digest) const { return disk_->Delete(digest); }

store::Measured ArtifactSource::MeasuredOf(const std::string& digest) const {
  return disk_->measured(digest).value_or(store::Measured{});
}

void ArtifactSource::Remember(const std::string& digest, const store::Measured& measured) const {
  disk_->SetMeasured(digest, measured);
}

}  // namespace sarai::instance
