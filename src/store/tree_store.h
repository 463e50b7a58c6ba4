// The published trees of a disk tier and their manifests.
//
//   trees/<digest>/…      hard links into the blobs, read-only
//   manifests/<digest>    Manifest::Text; its sha256 is <digest>
//
// A manifest is written before its tree appears, so a tree without one is unfinished business.
// Owned by the disk tier, under its lock, except where said otherwise.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "store/blob_pool.h"
#include "store/manifest.h"

namespace sarai::store {

class TreeStore {
 public:
  TreeStore(BlobPool& pool, std::string directory)
      : pool_(pool), directory_(std::move(directory)) {}

  // Reads what is there; removes trees that are not whole: no valid manifest, or a file whose size
  // is not the manifest's (which is what a power cut leaves, since nothing here waits for fsync).
  Status Open();

  // Builds the tree as `scratch`/tree. Needs no lock; the caller holds the blobs.
  Status Build(const Manifest& manifest, const std::string& scratch) const;
  // Moves a built tree into place, or drops it when that content is there already; returns its
  // digest. `scratch` as for Build.
  Result<std::string> Publish(const Manifest& manifest, const std::string& scratch);

  // Makes the tree disappear and returns where its files are now, for the caller to remove without
  // the lock; empty when there is no such tree. `trash` is a free name on the same file system.
  Result<std::string> Remove(const std::string& digest, const std::string& trash);

  bool Contains(const std::string& digest) const { return trees_.contains(digest); }
  std::string PathOf(const std::string& digest) const { return directory_ + "/trees/" + digest; }
  uint64_t bytes(const std::string& digest) const;
  uint64_t unique_bytes(const std::string& digest) const;  // what only this tree needs
  std::vector<std::string> Digests() const;

 private:
  struct Tree {
    uint64_t bytes = 0;
    std::vector<FileContent> contents;  // distinct
  };

  static Tree Describe(const Manifest& manifest);
  std::string ManifestPath(const std::string& digest) const {
    return directory_ + "/manifests/" + digest;
  }
  Status OpenTree(const std::string& digest);
  Result<Manifest> ReadManifest(const std::string& digest) const;
  Status Verify(const std::string& digest, const Manifest& manifest) const;
  Status Reference(const Tree& tree);
  Status RemoveStrayManifests() const;

  BlobPool& pool_;
  const std::string directory_;
  std::map<std::string, Tree, std::less<>> trees_;  // by digest
};

}  // namespace sarai::store
