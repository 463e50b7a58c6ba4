#include "backends/openvino/compiled_cache.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string_view>
#include <system_error>

#include "base/hex.h"
#include "base/log.h"
#include "base/unique_fd.h"

namespace sarai::backends::openvino {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kEnding = ".compiled";
constexpr size_t kDigestBytes = 32;  // a file is the digest of the rest, then the rest
using Digest = std::array<std::byte, kDigestBytes>;

class Sha256 {
 public:
  Sha256() : context_(EVP_MD_CTX_new(), EVP_MD_CTX_free) {
    EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr);
  }
  void Add(std::span<const std::byte> bytes) {
    EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size());
  }
  Digest Finish() {
    Digest digest{};
    EVP_DigestFinal_ex(context_.get(), reinterpret_cast<unsigned char*>(digest.data()), nullptr);
    return digest;
  }

 private:
  std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context_;
};

Digest DigestOf(std::span<const std::byte> bytes) {
  Sha256 sha;
  sha.Add(bytes);
  return sha.Finish();
}

std::optional<MappedBytes> Map(const std::string& path) {
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat info{};
  if (!fd.valid() || fstat(fd.get(), &info) != 0 || info.st_size < 0) return std::nullopt;
  const auto size = static_cast<size_t>(info.st_size);
  if (size == 0) return MappedBytes{};
  void* data = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd.get(), 0);
  if (data == MAP_FAILED) return std::nullopt;
  return MappedBytes{
      .owner = {data, [size](const void* begin) { munmap(const_cast<void*>(begin), size); }},
      .bytes = {static_cast<const std::byte*>(data), size}};
}

}  // namespace

std::string CompiledCache::KeyOf(const std::vector<std::string>& files,
                                 const std::string& circumstances) {
  Sha256 key;
  for (const std::string& file : files) {
    const auto mapped = Map(file);
    if (!mapped) return "";
    key.Add(DigestOf(mapped->bytes));
  }
  key.Add(std::as_bytes(std::span(circumstances)));
  return HexEncode(key.Finish());
}

std::string CompiledCache::PathOf(const std::string& key) const {
  return (fs::path(options_.directory) / key).concat(kEnding);
}

std::optional<MappedBytes> CompiledCache::Find(const std::string& key) const {
  const std::string path = PathOf(key);
  auto file = Map(path);
  if (!file) return std::nullopt;
  if (file->bytes.size() > kDigestBytes) {
    const auto content = file->bytes.subspan(kDigestBytes);
    if (std::ranges::equal(DigestOf(content), file->bytes.first(kDigestBytes))) {
      utimensat(AT_FDCWD, path.c_str(), nullptr, 0);  // used now
      file->bytes = content;
      return file;
    }
  }
  LogWarning("openvino", "the cached model '{}' is damaged; it is compiled again", path);
  Remove(key);
  return std::nullopt;
}

void CompiledCache::Remove(const std::string& key) const {
  std::error_code ignored;
  fs::remove(PathOf(key), ignored);
}

void CompiledCache::Store(const std::string& key, std::string_view compiled) const {
  std::error_code error;
  fs::create_directories(options_.directory, error);
  std::string temporary = PathOf(key) + ".XXXXXX";
  const UniqueFd fd(mkstemp(temporary.data()));
  std::ofstream file(temporary, std::ios::binary);
  const Digest digest = DigestOf(std::as_bytes(std::span(compiled)));
  file.write(reinterpret_cast<const char*>(digest.data()), kDigestBytes);
  file.write(compiled.data(), static_cast<std::streamsize>(compiled.size()));
  file.close();
  const bool written = fd.valid() && file.good();
  if (written) fs::rename(temporary, PathOf(key), error);
  if (!written || error) {
    LogWarning("openvino", "cannot keep a compiled model in '{}'", options_.directory);
    fs::remove(temporary, error);
    return;
  }
  RemoveOldest();
}

void CompiledCache::RemoveOldest() const {
  struct Entry {
    fs::file_time_type used;
    uint64_t bytes = 0;
    fs::path path;
  };
  std::vector<Entry> entries;
  uint64_t total = 0;
  std::error_code error;
  for (fs::directory_iterator at(options_.directory, error), end; !error && at != end;
       at.increment(error)) {
    std::error_code gone;
    if (at->path().extension() != kEnding) continue;
    Entry entry{at->last_write_time(gone), at->file_size(gone), at->path()};
    if (gone) continue;
    total += entry.bytes;
    entries.push_back(std::move(entry));
  }
  std::ranges::sort(entries, {}, &Entry::used);
  for (const Entry& entry : entries) {
    if (total <= options_.bytes_max) return;
    fs::remove(entry.path, error);
    total -= entry.bytes;
  }
}

}  // namespace sarai::backends::openvino
