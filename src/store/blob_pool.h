// The folder of blobs: one read-only file per distinct content, counted by who needs it. A blob is
// there while somebody holds a reference: a published tree, or a fetch in progress.
//
// Owned by the disk tier. All methods may be called from any thread; each is a few system calls.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/status.h"
#include "store/manifest.h"

namespace sarai::store {

class BlobPool {
 public:
  // `directory` holds, or will hold, ab/<sha256>.
  explicit BlobPool(std::string directory) : directory_(std::move(directory)) {}

  // Makes the folders and reads what is there; nothing is referenced yet. Files that are no blobs
  // are removed.
  Status Open();
  // Removes every blob that is not referenced.
  Status RemoveUnreferenced();

  // Takes the finished file at `path` in as this content (or removes it when the content is there
  // already) and takes one reference. Files become read-only, executable ones a second variant.
  Status Adopt(const std::string& path, const FileContent& content);

  // One more reference to a blob that is there. Error: kNotFound.
  Status Reference(const FileContent& content);
  // Gives a reference back; the last one removes the file.
  void Release(const FileContent& content);

  // Makes `path` a file with this content. The caller holds a reference.
  Status LinkTo(const FileContent& content, const std::string& path) const;

  bool Contains(const FileContent& content) const;
  int references(const FileContent& content) const;
  uint64_t used_bytes() const;  // of all blobs, each once

 private:
  struct Blob {
    uint64_t size = 0;
    int references = 0;
  };
  using Blobs = std::map<std::string, Blob, std::less<>>;

  static std::string Name(const FileContent& content);
  std::string PathOf(std::string_view name) const;
  Status OpenFolder(const std::string& folder);
  void Remove(Blobs::iterator blob);

  const std::string directory_;
  mutable std::mutex mu_;
  Blobs blobs_;              // by file name; guarded by mu_
  uint64_t used_bytes_ = 0;  // guarded by mu_
};

// The references that one fetch holds; gives them all back when it goes.
class BlobLease {
 public:
  explicit BlobLease(BlobPool& pool) : pool_(pool) {}
  ~BlobLease() { Release(); }
  BlobLease(const BlobLease&) = delete;
  BlobLease& operator=(const BlobLease&) = delete;

  Status Adopt(const std::string& path, const FileContent& content) {
    Status adopted = pool_.Adopt(path, content);
    if (adopted.ok()) held_.push_back(content);
    return adopted;
  }
  void Release() {
    for (const FileContent& content : held_) pool_.Release(content);
    held_.clear();
  }

 private:
  BlobPool& pool_;
  std::vector<FileContent> held_;
};

}  // namespace sarai::store
