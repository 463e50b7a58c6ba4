#include "instance/model_folder.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <system_error>
#include <utility>
#include <vector>

#include "base/strings.h"

namespace sarai::instance {
namespace fs = std::filesystem;
namespace {

constexpr size_t kMaxEntries = 100'000;  // as in the disk tier

bool IsVersionName(std::string_view name) {
  return !name.empty() && name.front() != '0' && ParseInt(name).value_or(0) > 0;
}

// FNV-1a: the fingerprint tells a user's edits apart, it is no protection against forgery.
class Fingerprint {
 public:
  void Add(std::string_view text) {
    for (const char c : text) Mix(static_cast<unsigned char>(c));
    Mix(0);
  }
  void Add(uint64_t number) {
    for (int shift = 0; shift < 64; shift += 8) Mix((number >> shift) & 0xff);
  }
  std::string text() const { return fmt::format("{:016x}", hash_); }

 private:
  void Mix(uint64_t byte) { hash_ = (hash_ ^ byte) * 0x100000001b3ull; }
  uint64_t hash_ = 0xcbf29ce484222325ull;
};

}  // namespace

Result<std::string> FindModelFolder(const std::string& tree) {
  std::vector<std::string> folders;
  bool has_files = false;
  std::error_code error;
  for (fs::directory_iterator it(tree, error), end; !error && it != end; it.increment(error)) {
    std::error_code ignored;
    const std::string name = it->path().filename().string();
    if (!it->is_directory(ignored)) {
      has_files = has_files || !name.starts_with('.');
    } else if (IsVersionName(name)) {
      return tree;
    } else if (!name.starts_with('.') && name != "__MACOSX") {
      folders.push_back(name);
    }
  }
  if (error) return Error(Code::kDataLoss, "cannot read '{}': {}", tree, error.message());
  if (has_files) return tree;
  if (folders.size() == 1) return tree + "/" + folders.front();
  if (folders.empty())
    return Error(Code::kDataLoss,
                 "the archive is empty: it must hold config.pbtxt and a version "
                 "folder, or one folder with these");
  std::sort(folders.begin(), folders.end());
  return Error(Code::kUnimplemented,
               "the archive holds {} models ({}): ensembles are not supported yet, pack one model",
               folders.size(), Join(folders, ", "));
}

Result<FolderFacts> LookAtFolder(const std::string& folder) {
  std::map<std::string, std::pair<uint64_t, uint64_t>> files;  // path -> size, time
  FolderFacts facts;
  std::error_code error;
  fs::recursive_directory_iterator it(folder, error);
  for (const fs::recursive_directory_iterator end; !error && it != end; it.increment(error)) {
    std::error_code ignored;
    if (!it->is_regular_file(ignored)) continue;
    const uint64_t bytes = it->file_size(ignored);
    const auto time = it->last_write_time(ignored).time_since_epoch().count();
    files[it->path().string()] = {ignored ? 0 : bytes, static_cast<uint64_t>(time)};
    facts.bytes += ignored ? 0 : bytes;
    if (files.size() > kMaxEntries)
      return Error(Code::kResourceExhausted, "'{}' holds more than {} files", folder, kMaxEntries);
  }
  if (error) return Error(Code::kNotFound, "cannot read '{}': {}", folder, error.message());
  Fingerprint fingerprint;
  for (const auto& [path, size_and_time] : files) {
    fingerprint.Add(path);
    fingerprint.Add(size_and_time.first);
    fingerprint.Add(size_and_time.second);
  }
  facts.fingerprint = fingerprint.text();
  return facts;
}

}  // namespace sarai::instance
