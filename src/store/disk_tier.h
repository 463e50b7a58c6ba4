// The disk tier: artifacts fetched from an object store, unpacked, content-addressed, crash-safe.
//
//   DIR/blobs/ab/<sha256>          one file per distinct content, read-only, never written in place
//   DIR/trees/<digest>/…           an unpacked artifact: hard links into blobs, read-only
//   DIR/manifests/<digest>         what that tree consists of; its sha256 is <digest>
//   DIR/index/<sha256 of url>.json which version (ETag) of an object is which tree
//   DIR/measured/<digest>.json     what loading it was measured to cost; outlives the tree
//   DIR/tmp/…                      work in progress, emptied at start
//   DIR/lock                       held by the one process that uses DIR
//
// Everything appears by rename; a process killed at any step leaves the old state or the new one.
// Nothing waits for fsync: what a power cut damages has the wrong size, and Open drops such trees.
// A tree's digest covers paths, executable bits, contents and links. Threads: all methods may be
// called from any thread, fetches of different objects run side by side, and two fetches of one
// object end in one tree.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/status.h"
#include "store/object_store.h"

namespace sarai::store {

struct DiskTierOptions {
  std::string directory;
  uint64_t max_unpacked_bytes = 0;  // per artifact: bombs end here; 0 = 64 GiB
  uint64_t max_entries = 100'000;   // files and folders per artifact
};

struct Artifact {
  std::string digest;         // of the tree, hex sha256
  std::string directory;      // absolute path of the unpacked tree; immutable
  uint64_t bytes = 0;         // sum of its files (shared blobs counted in full)
  uint64_t unique_bytes = 0;  // bytes that deleting it would free now
  std::string url, etag;      // what it was fetched from; empty when the index does not say
};

// Figures kept by content digest, over restarts.
struct Measured {
  uint64_t memory_bytes = 0;
  Duration load_time{0};
};

class DiskTier {
 public:
  // Takes the folder for this process and cleans up after whoever had it before. Error:
  // kFailedPrecondition when another process has it (named).
  static Result<std::unique_ptr<DiskTier>> Open(DiskTierOptions options);
  ~DiskTier();

  // The artifact for this object version if it is here already (checked, not fetched).
  std::optional<Artifact> Find(const std::string& url, const std::string& etag) const;
  // The last version seen of this object, whatever its ETag (when the store cannot be reached).
  std::optional<Artifact> FindAny(const std::string& url) const;

  // Streams the object through inflate and untar into the tier. `url` names it in messages and in
  // the index. What kind of archive it is follows from its first bytes (.tar.gz, .tar.zst, .tar)
  // or, for an object that is no archive, an error that says so.
  // Errors: those of ObjectStore::Get; kDataLoss for truncated, corrupt or hostile archives (names
  // the entry); kResourceExhausted when the disk is full or the archive unpacks to more than its
  // bound. `budget_bytes` bounds this artifact's unpacked size (0 = only the options' bound).
  Result<Artifact> Fetch(ObjectStore& store, const ObjectInfo& info, const std::string& url,
                         uint64_t budget_bytes);
  // A "folder" of loose objects (a key that ends in "/"): every object below the prefix. Its ETag
  // is that of ListFolder (store/folder.h).
  Result<Artifact> FetchFolder(ObjectStore& store, const std::string& prefix,
                               const std::string& url, uint64_t budget_bytes);

  // Removes the tree and the blobs that no other tree needs. Files still open or mapped stay
  // readable for who holds them. Idempotent.
  Status Delete(const std::string& digest);

  std::optional<Measured> measured(const std::string& digest) const;
  void SetMeasured(const std::string& digest, const Measured& measured);

  std::vector<Artifact> List() const;
  // Of all blobs, each once; a fetch in progress counts with the files it has finished.
  uint64_t used_bytes() const;

 private:
  struct Impl;
  explicit DiskTier(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace sarai::store
