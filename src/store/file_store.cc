#include "store/file_store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "base/unique_fd.h"
#include "store/os_error.h"

namespace sarai::store {
namespace fs = std::filesystem;
namespace {

constexpr size_t kReadBytes = 1u << 20;
constexpr size_t kPageKeys = 1000;
constexpr int kMaxDepth = 64;
constexpr size_t kMaxListed = 1'000'000;  // names read for one page

std::string TagOf(const struct stat& info) {
  return fmt::format("\"{:x}-{:x}.{:x}-{:x}\"", info.st_size, info.st_mtim.tv_sec,
                     info.st_mtim.tv_nsec, info.st_ino);
}

Result<ObjectInfo> Describe(const std::string& key, const struct stat& info) {
  if (S_ISDIR(info.st_mode)) {
    return Error(Code::kNotFound, "'{}' is a folder: end its URL in '/'", key);
  }
  if (!S_ISREG(info.st_mode)) return Error(Code::kNotFound, "'{}' is not a regular file", key);
  return ObjectInfo{.key = key, .etag = TagOf(info), .size = static_cast<uint64_t>(info.st_size)};
}

Status CheckUnchanged(int fd, const ObjectInfo& expected) {
  struct stat info{};
  if (::fstat(fd, &info) != 0) return OsError(errno, "looking at", expected.key);
  if (S_ISREG(info.st_mode) && TagOf(info) == expected.etag) return {};
  return MakeStatus(Code::kFailedPrecondition, "'{}' changed while it was read", expected.key);
}

// Collects what List returns, in any order.
class Walk {
 public:
  Walk(const std::string& prefix, bool by_folder) : prefix_(prefix), by_folder_(by_folder) {}

  // `folder` ends in "/".
  Status Into(const std::string& folder, int depth) {
    std::error_code error;
    for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
      SARAI_CHECK_OK(Add(folder, *it, depth));
    }
    if (error) return OsError(error.value(), "reading folder", folder);
    return {};
  }

  std::vector<ObjectInfo> objects;
  std::vector<std::string> folders;  // with by_folder

 private:
  Status Add(const std::string& folder, const fs::directory_entry& entry, int depth) {
    const std::string key = folder + entry.path().filename().string();
    if (!key.starts_with(prefix_) && !prefix_.starts_with(key + '/')) return {};
    if (objects.size() + folders.size() >= kMaxListed) {
      return MakeStatus(Code::kResourceExhausted, "'{}' holds more than {} files", prefix_,
                        kMaxListed);
    }
    std::error_code gone;
    if (entry.symlink_status(gone).type() == fs::file_type::directory) {
      return AddFolder(key + '/', depth);
    }
    struct stat info{};
    if (::stat(key.c_str(), &info) != 0) return {};  // gone meanwhile, or a dangling link
    if (auto object = Describe(key, info)) objects.push_back(std::move(*object));
    return {};
  }

  Status AddFolder(std::string key, int depth) {
    if (by_folder_ && key.starts_with(prefix_)) {
      folders.push_back(std::move(key));
      return {};
    }
    if (depth >= kMaxDepth) {
      return MakeStatus(Code::kResourceExhausted, "'{}' is more than {} folders deep", key,
                        kMaxDepth);
    }
    const Status walked = Into(key, depth + 1);
    return walked.code() == Code::kNotFound && !walked.ok() ? Status() : walked;
  }

  const std::string& prefix_;
  const bool by_folder_;
};

// Objects and folders share one order and one page size, as in S3.
ListPage PageOf(Walk walk, const std::string& after) {
  std::vector<ObjectInfo> all = std::move(walk.objects);
  for (std::string& folder : walk.folders) all.push_back({.key = std::move(folder)});
  std::ranges::sort(all, {}, &ObjectInfo::key);
  ListPage page;
  auto it = std::ranges::upper_bound(all, after, {}, &ObjectInfo::key);
  for (size_t count = 0; it != all.end() && count < kPageKeys; ++it, ++count) {
    if (it + 1 != all.end() && count + 1 == kPageKeys) page.continuation = it->key;
    if (it->key.ends_with('/')) {
      page.prefixes.push_back(std::move(it->key));
    } else {
      page.objects.push_back(std::move(*it));
    }
  }
  return page;
}

}  // namespace

Result<ObjectInfo> FileStore::Head(const std::string& key) {
  struct stat info{};
  if (::stat(key.c_str(), &info) != 0) return Error(OsError(errno, "looking for", key));
  return Describe(key, info);
}

Status FileStore::Get(const ObjectInfo& info, const ByteSink& sink) {
  const UniqueFd fd(::open(info.key.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd.valid()) return OsError(errno, "opening", info.key);
  SARAI_CHECK_OK(CheckUnchanged(fd.get(), info));
  std::vector<std::byte> buffer(std::min<uint64_t>(kReadBytes, std::max<uint64_t>(info.size, 1)));
  for (uint64_t left = info.size; left > 0;) {
    const ssize_t got = ::read(fd.get(), buffer.data(), std::min<uint64_t>(buffer.size(), left));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return OsError(errno, "reading", info.key);
    if (got == 0) break;  // shorter than it was, which its tag shows
    SARAI_CHECK_OK(sink(std::span(buffer).first(static_cast<size_t>(got))));
    left -= static_cast<uint64_t>(got);
  }
  return CheckUnchanged(fd.get(), info);
}

Result<ListPage> FileStore::List(const std::string& prefix, bool by_folder,
                                 const std::string& continuation) {
  Walk walk(prefix, by_folder);
  SARAI_CHECK_OK(walk.Into(prefix.substr(0, prefix.rfind('/') + 1), 0));
  return PageOf(std::move(walk), continuation);
}

}  // namespace sarai::store
