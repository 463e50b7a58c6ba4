// Archives for tests, written byte by byte so that they can be as wrong as a test needs.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "store/object_store.h"

namespace sarai::store {

struct TarHeader {
  std::string name;
  char type = '0';  // '0' file, '1' hard link, '2' symlink, '3' device, '5' folder, '6' pipe
  uint32_t mode = 0644;
  std::string link;
  uint64_t size = 0;
};

// A ustar archive in the making.
class TestTar {
 public:
  TestTar& Header(const TarHeader& header);
  TestTar& File(const std::string& name, std::string_view contents, uint32_t mode = 0644);
  TestTar& Folder(const std::string& name) { return Header({.name = name, .type = '5'}); }
  TestTar& Symlink(const std::string& name, const std::string& target) {
    return Header({.name = name, .type = '2', .link = target});
  }
  TestTar& HardLink(const std::string& name, const std::string& target) {
    return Header({.name = name, .type = '1', .link = target});
  }
  TestTar& Raw(std::string_view bytes) {
    bytes_ += bytes;
    return *this;
  }
  std::string Unfinished() const { return bytes_; }
  std::string Finish() const { return bytes_ + std::string(1024, '\0'); }

 private:
  std::string bytes_;
};

std::string Gzip(std::string_view bytes);
std::string Zstd(std::string_view bytes);

// Bytes that do not compress, the same for the same seed.
std::string Noise(size_t count, uint32_t seed);

// Objects in memory, so that a test decides what each transfer does.
class MemoryStore final : public ObjectStore {
 public:
  void Put(const std::string& key, std::string bytes);

  Result<ObjectInfo> Head(const std::string& key) override;
  Status Get(const ObjectInfo& info, const ByteSink& sink) override;
  Result<ListPage> List(const std::string& prefix, bool by_folder,
                        const std::string& continuation) override;

  size_t piece_bytes = 1000;                      // what the sink gets at a time
  std::function<Status(uint64_t sent)> on_piece;  // before each piece
  int gets = 0;

 private:
  std::map<std::string, std::string> objects_;
};

// A folder under the system's temporary one; removed with its owner.
class TestFolder {
 public:
  TestFolder();
  ~TestFolder();
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;
  std::string path(const std::string& name = "") const {
    return name.empty() ? path_ : path_ + '/' + name;
  }
  void Write(const std::string& name, std::string_view contents) const;

 private:
  std::string path_;
};

std::string ReadAll(const std::string& path);
// Every regular file below `path`: relative name -> contents.
std::map<std::string, std::string> FilesBelow(const std::string& path);

}  // namespace sarai::store
