// What an unpacked artifact consists of: folders, files by content, links. Its text form is
// canonical, so the sha256 of the text is the artifact's digest and the text proves itself.
//
// A Manifest can only hold trees that are safe to make: every parent is a folder (never a link),
// and CheckLinks has the last word on where links lead. One owner, one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "base/status.h"

namespace sarai::store {

struct FileContent {
  std::string sha256;
  uint64_t size = 0;
  bool executable = false;
};

struct ManifestEntry {
  enum class Kind { kFolder, kFile, kSymlink };
  Kind kind = Kind::kFolder;
  FileContent content;  // of a file
  std::string target;   // of a symlink, as written
};

class Manifest {
 public:
  using Entries =
      std::map<std::string, ManifestEntry, std::less<>>;  // a parent before its children

  explicit Manifest(uint64_t max_entries) : max_entries_(max_entries) {}

  // Paths are those of NormalizeEntryPath; missing parents are added. A second file of the same
  // path replaces the first, as tar has it. Errors: kDataLoss when the entry goes through a link or
  // a file, or changes the kind of an earlier one; kResourceExhausted past `max_entries`.
  Status AddFolder(const std::string& path);
  Status AddFile(const std::string& path, FileContent content);
  Status AddSymlink(const std::string& path, const std::string& target);
  // The same content as an earlier file's.
  Status AddHardLink(const std::string& path, const std::string& target);

  // Whether a file may be added here; asked before its bytes are read.
  Status CheckPlace(const std::string& path, ManifestEntry::Kind kind) const;

  // Follows every symlink through the tree as the kernel would. Error: kDataLoss, naming the one
  // that leaves the tree or goes in circles.
  Status CheckLinks() const;

  const Entries& entries() const { return entries_; }
  uint64_t bytes() const;  // of all files, shared contents counted each time
  bool has_files() const;

  std::string Text() const;
  std::string Digest() const;
  static Result<Manifest> Parse(std::string_view text);

 private:
  Status Add(const std::string& path, ManifestEntry entry);
  Status AddParents(std::string_view path);
  Status CheckLink(const std::string& path, const std::string& target) const;

  uint64_t max_entries_;
  Entries entries_;
};

}  // namespace sarai::store
