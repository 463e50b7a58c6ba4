#include "store/tree_store.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "base/log.h"
#include "store/files.h"
#include "store/os_error.h"
#include "store/sha256.h"

namespace sarai::store {
namespace fs = std::filesystem;
namespace {

constexpr uint64_t kMaxManifestBytes = 1ull << 30;
constexpr mode_t kFolderMode = 0555;

Result<std::vector<std::string>> NamesIn(const std::string& directory) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator it(directory, error), end; !error && it != end; it.increment(error)) {
    names.push_back(it->path().filename().string());
  }
  if (error) return Error(OsError(error.value(), "reading folder", directory));
  return names;
}

Status SealFolder(const std::string& path) {
  if (::chmod(path.c_str(), kFolderMode) == 0) return {};
  return OsError(errno, "sealing", path);
}

}  // namespace

Status TreeStore::Open() {
  SARAI_CHECK_OK(MakeDirectory(directory_ + "/trees"));
  SARAI_CHECK_OK(MakeDirectory(directory_ + "/manifests"));
  SARAI_TRY(const auto names, NamesIn(directory_ + "/trees"));
  for (const std::string& name : names) {
    const Status opened = OpenTree(name);
    if (opened.ok()) continue;
    LogWarning("store", "dropping the unpacked artifact {}: {}", name, opened.message());
    SARAI_CHECK_OK(RemoveAll(PathOf(name)));
  }
  return RemoveStrayManifests();
}

Status TreeStore::OpenTree(const std::string& digest) {
  SARAI_TRY(const Manifest manifest, ReadManifest(digest));
  SARAI_CHECK_OK(Verify(digest, manifest));
  Tree tree = Describe(manifest);
  SARAI_CHECK_OK(Reference(tree));
  trees_[digest] = std::move(tree);
  return {};
}

Result<Manifest> TreeStore::ReadManifest(const std::string& digest) const {
  SARAI_TRY(const std::string text, ReadFile(ManifestPath(digest), kMaxManifestBytes));
  if (Sha256Hex(text) != digest) {
    return Error(Code::kDataLoss, "its manifest does not have its digest");
  }
  return Manifest::Parse(text);
}

Status TreeStore::Verify(const std::string& digest, const Manifest& manifest) const {
  for (const auto& [path, entry] : manifest.entries()) {
    const std::string full = PathOf(digest) + '/' + path;
    struct stat info{};
    if (::lstat(full.c_str(), &info) != 0) return OsError(errno, "looking at", full);
    if (entry.kind != ManifestEntry::Kind::kFile) continue;
    const bool whole = S_ISREG(info.st_mode) &&
                       static_cast<uint64_t>(info.st_size) == entry.content.size &&
                       pool_.Contains(entry.content);
    if (!whole) return MakeStatus(Code::kDataLoss, "'{}' is not what it was", path);
  }
  return {};
}

TreeStore::Tree TreeStore::Describe(const Manifest& manifest) {
  std::map<std::pair<std::string, bool>, FileContent> distinct;
  for (const auto& [path, entry] : manifest.entries()) {
    if (entry.kind != ManifestEntry::Kind::kFile) continue;
    distinct.try_emplace({entry.content.sha256, entry.content.executable}, entry.content);
  }
  Tree tree{.bytes = manifest.bytes()};
  for (auto& [name, content] : distinct) tree.contents.push_back(std::move(content));
  return tree;
}

Status TreeStore::Reference(const Tree& tree) {
  for (const FileContent& content : tree.contents) SARAI_CHECK_OK(pool_.Reference(content));
  return {};
}

Status TreeStore::RemoveStrayManifests() const {
  SARAI_TRY(const auto names, NamesIn(directory_ + "/manifests"));
  for (const std::string& name : names) {
    if (!Contains(name)) SARAI_CHECK_OK(RemoveAll(ManifestPath(name)));
  }
  return {};
}

Status TreeStore::Build(const Manifest& manifest, const std::string& scratch) const {
  const std::string root = scratch + "/tree";
  SARAI_CHECK_OK(MakeDirectory(root));
  for (const auto& [path, entry] : manifest.entries()) {
    const std::string full = root + '/' + path;
    switch (entry.kind) {
      case ManifestEntry::Kind::kFolder: SARAI_CHECK_OK(MakeDirectory(full)); break;
      case ManifestEntry::Kind::kFile: SARAI_CHECK_OK(pool_.LinkTo(entry.content, full)); break;
      case ManifestEntry::Kind::kSymlink:
        if (::symlink(entry.target.c_str(), full.c_str()) != 0) {
          return OsError(errno, "linking", full);
        }
    }
  }
  for (const auto& [path, entry] : manifest.entries()) {
    if (entry.kind == ManifestEntry::Kind::kFolder) SARAI_CHECK_OK(SealFolder(root + '/' + path));
  }
  return {};
}

Result<std::string> TreeStore::Publish(const Manifest& manifest, const std::string& scratch) {
  const std::string text = manifest.Text();
  std::string digest = Sha256Hex(text);
  if (Contains(digest)) return digest;
  Tree tree = Describe(manifest);
  SARAI_CHECK_OK(ReplaceFile(ManifestPath(digest), text, scratch + "/manifest"));
  // A folder must be writable to be moved, so the root is sealed last.
  SARAI_CHECK_OK(Rename(scratch + "/tree", PathOf(digest)));
  SARAI_CHECK_OK(SealFolder(PathOf(digest)));
  SARAI_CHECK_OK(Reference(tree));
  trees_[digest] = std::move(tree);
  return digest;
}

Result<std::string> TreeStore::Remove(const std::string& digest, const std::string& trash) {
  const auto found = trees_.find(digest);
  if (found == trees_.end()) return std::string();
  const std::string path = PathOf(digest);
  ::chmod(path.c_str(), 0755);
  SARAI_CHECK_OK(Rename(path, trash));
  ::unlink(ManifestPath(digest).c_str());
  for (const FileContent& content : found->second.contents) pool_.Release(content);
  trees_.erase(found);
  return trash;
}

uint64_t TreeStore::bytes(const std::string& digest) const {
  const auto found = trees_.find(digest);
  return found == trees_.end() ? 0 : found->second.bytes;
}

uint64_t TreeStore::unique_bytes(const std::string& digest) const {
  const auto found = trees_.find(digest);
  if (found == trees_.end()) return 0;
  uint64_t sum = 0;
  for (const FileContent& content : found->second.contents) {
    if (pool_.references(content) == 1) sum += content.size;
  }
  return sum;
}

std::vector<std::string> TreeStore::Digests() const {
  std::vector<std::string> digests;
  for (const auto& [digest, tree] : trees_) digests.push_back(digest);
  return digests;
}

}  // namespace sarai::store
