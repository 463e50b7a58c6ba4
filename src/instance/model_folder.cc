#include "instance/model_folder.h"

#include <filesystem>
#include <map>
#include <system_error>
#include <utility>

namespace sarai::instance {
namespace fs = std::filesystem;
namespace {

constexpr size_t kMaxEntries = 100'000;  // as in the disk tier

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
