// Takes the entries of one artifact as they stream by: contents become blobs at once, the shape of
// the tree stays in memory until it is known to be safe. No name from an archive reaches the file
// system before that.
//
// Owned by one fetch, used by one thread. What it wrote goes away with it unless the tree was
// published meanwhile.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "base/unique_fd.h"
#include "store/blob_pool.h"
#include "store/manifest.h"
#include "store/sha256.h"

namespace sarai::store {

struct UnpackLimits {
  uint64_t max_bytes = 0;    // of all files, as written
  uint64_t max_entries = 0;  // files, folders and links
};

class TreeBuilder {
 public:
  // `scratch` is an empty folder of this fetch, on the pool's file system.
  TreeBuilder(BlobPool& pool, std::string scratch, const UnpackLimits& limits)
      : limits_(limits),
        scratch_(std::move(scratch)),
        lease_(pool),
        manifest_(limits.max_entries) {}

  // Names as an archive has them. Errors: those of NormalizeEntryPath and Manifest.
  Status AddFolder(std::string_view name);
  Status AddSymlink(std::string_view name, const std::string& target);
  Status AddHardLink(std::string_view name, std::string_view target);

  // One file: Begin, Write …, End. `expected_bytes` as announced; refuses early what cannot fit.
  // Errors besides: kResourceExhausted when the disk is full or `max_bytes` is passed.
  Status BeginFile(std::string_view name, bool executable, uint64_t expected_bytes);
  Status Write(std::span<const std::byte> bytes);
  Status WriteZeros(uint64_t count);  // a hole of a sparse file
  Status EndFile();

  uint64_t file_bytes() const { return file_ ? file_->content.size : 0; }

  // The whole artifact, checked. Error: kDataLoss when it holds no file or a link escapes.
  Result<Manifest> Finish();

  // Gives the contents back, once the published tree holds those it needs.
  void Release() { lease_.Release(); }

 private:
  struct OpenFile {
    std::string path;  // in the artifact
    UniqueFd fd;
    FileContent content;
  };
  Status CheckBound(std::string_view name, uint64_t more_bytes) const;
  std::string scratch_file() const { return scratch_ + "/file"; }

  const UnpackLimits limits_;
  const std::string scratch_;
  BlobLease lease_;
  Manifest manifest_;
  Sha256 hash_;
  uint64_t bytes_ = 0;  // of all files so far
  std::optional<OpenFile> file_;
};

}  // namespace sarai::store
