// The objects behind the source URL and in remote repositories: which version of one exists now,
// and bringing it to the disk tier. Everything here blocks on the network and the disk.
//
// Its place: called on lookup and fetch threads by the model manager, which decides when. Threads:
// any number. Lifetime: owned by the instance, outlives the manager.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "instance/catalog.h"
#include "store/disk_tier.h"
#include "store/object_store.h"

namespace sarai::instance {

// One version of one model, as found at its origin.
struct FoundVersion {
  std::string tag;           // differs when the content differs: ETag, fingerprint
  uint64_t bytes = 0;        // kSource: of the archive; otherwise of the folder's files
  store::ObjectInfo object;  // kSource
  std::optional<store::Artifact> on_disk;  // kSource: this version is in the disk tier
  store::Measured measured;                // from an earlier load of the same content; 0 = unknown
  bool store_unreachable = false;          // the last version seen stands in for the current one
  std::optional<ModelOrigin> origin;       // which of several places has it
};

using ObjectStores = std::vector<std::shared_ptr<store::ObjectStore>>;

class ArtifactSource {
 public:
  // `stores`: one for each of Catalog::stores. `disk` may be null when there are none. All of it
  // outlives this, or is shared.
  ArtifactSource(ObjectStores stores, store::DiskTier* disk, uint64_t disk_budget_bytes);

  // What is there now. When the store cannot be reached, the last version that is on disk.
  // Errors: kNotFound names the URL; those of ObjectStore::Head; Catalog::Ambiguous's.
  Result<FoundVersion> Find(const ModelOrigin& origin) const;

  // Fetches and unpacks; `found` is brought up to date when the object changed in between.
  Result<store::Artifact> Fetch(const ModelOrigin& origin, FoundVersion& found) const;

  Status Delete(const std::string& digest) const;
  store::Measured MeasuredOf(const std::string& digest) const;
  void Remember(const std::string& digest, const store::Measured& measured) const;

  // A store whose calls Cancel ends.
  std::unique_ptr<store::ObjectStore> Objects(size_t store) const;

  // Ends transfers with kCancelled, now and from now on.
  void Cancel() { *cancelled_ = true; }

 private:
  Result<FoundVersion> FindAmong(const ModelOrigin& origin) const;
  Result<FoundVersion> FindOne(const ModelOrigin& origin) const;
  Result<FoundVersion> FindObject(const ModelOrigin& origin) const;
  Result<store::ObjectInfo> Head(const ModelOrigin& origin) const;
  FoundVersion Describe(const ModelOrigin& origin, store::ObjectInfo object) const;

  const ObjectStores stores_;
  store::DiskTier* const disk_;
  const uint64_t disk_budget_bytes_;
  const std::shared_ptr<std::atomic<bool>> cancelled_ = std::make_shared<std::atomic<bool>>(false);
};

}  // namespace sarai::instance
