// Compiled models on disk: what a compilation gave, to be read back the next time instead. Files
// are checked before use, appear by rename, and are removed oldest use first when they are more
// than the bound. Several processes may share the folder.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace sarai::backends::openvino {

struct CompiledCacheOptions {
  std::string directory;                    // empty = no cache
  uint64_t bytes_max = uint64_t{10} << 30;  // of all files together
};

// A file's bytes, mapped for as long as somebody holds it.
struct MappedBytes {
  std::shared_ptr<const void> owner;
  std::span<const std::byte> bytes;
};

class CompiledCache {
 public:
  explicit CompiledCache(CompiledCacheOptions options) : options_(std::move(options)) {}

  bool enabled() const { return !options_.directory.empty(); }

  // Identifies a compilation: the contents of the files, and everything else that has a say in it.
  // Empty when a file cannot be read.
  static std::string KeyOf(const std::vector<std::string>& files, const std::string& circumstances);

  // Nothing when there is none. A file that is not what was stored is removed.
  std::optional<MappedBytes> Find(const std::string& key) const;
  void Remove(const std::string& key) const;
  // A cache that cannot be written is a cache that is not there: logged, nothing more.
  void Store(const std::string& key, std::string_view compiled) const;

 private:
  std::string PathOf(const std::string& key) const;
  void RemoveOldest() const;

  const CompiledCacheOptions options_;
};

}  // namespace sarai::backends::openvino
