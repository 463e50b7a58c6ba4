#include "store/test_archive.h"

#include <stdlib.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>

#include <gtest/gtest.h>
#include <isa-l/igzip_lib.h>
#include <zstd.h>

#include "store/files.h"
#include "store/sha256.h"

namespace sarai::store {
namespace fs = std::filesystem;
namespace {

constexpr size_t kBlock = 512;

void Put(std::string& block, size_t offset, std::string_view text) {
  std::memcpy(block.data() + offset, text.data(), text.size());
}

std::string PaddedTo(std::string text, size_t block) {
  text.resize((text.size() + block - 1) / block * block, '\0');
  return text;
}

}  // namespace

TestTar& TestTar::Header(const TarHeader& header) {
  std::string block(kBlock, '\0');
  Put(block, 0, header.name.substr(0, 100));
  Put(block, 100, fmt::format("{:07o}", header.mode));
  Put(block, 108, "0000000");
  Put(block, 116, "0000000");
  Put(block, 124, fmt::format("{:011o}", header.size));
  Put(block, 136, "00000000000");
  Put(block, 148, "        ");
  block[156] = header.type;
  Put(block, 157, header.link.substr(0, 100));
  Put(block, 257, std::string_view("ustar\00000", 8));
  Put(block, 329, "0000001");
  Put(block, 337, "0000003");
  unsigned sum = 0;
  for (const char c : block) sum += static_cast<unsigned char>(c);
  Put(block, 148, fmt::format("{:06o}", sum));
  block[154] = '\0';
  bytes_ += block;
  return *this;
}

TestTar& TestTar::File(const std::string& name, std::string_view contents, uint32_t mode) {
  Header({.name = name, .mode = mode, .size = contents.size()});
  bytes_ += PaddedTo(std::string(contents), kBlock);
  return *this;
}

std::string Gzip(std::string_view bytes) {
  isal_zstream stream;
  isal_deflate_stateless_init(&stream);
  std::string out(bytes.size() + bytes.size() / 8 + 4096, '\0');
  stream.gzip_flag = IGZIP_GZIP;
  stream.end_of_stream = 1;
  stream.flush = NO_FLUSH;
  stream.next_in = reinterpret_cast<uint8_t*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uint32_t>(bytes.size());
  stream.next_out = reinterpret_cast<uint8_t*>(out.data());
  stream.avail_out = static_cast<uint32_t>(out.size());
  EXPECT_EQ(isal_deflate_stateless(&stream), COMP_OK);
  out.resize(out.size() - stream.avail_out);
  return out;
}

std::string Zstd(std::string_view bytes) {
  std::string out(ZSTD_compressBound(bytes.size()), '\0');
  const size_t size = ZSTD_compress(out.data(), out.size(), bytes.data(), bytes.size(), 1);
  EXPECT_FALSE(ZSTD_isError(size));
  out.resize(size);
  return out;
}

std::string Noise(size_t count, uint32_t seed) {
  std::mt19937 engine(seed);
  std::string out(count, '\0');
  std::ranges::generate(out, [&engine] { return static_cast<char>(engine()); });
  return out;
}

void MemoryStore::Put(const std::string& key, std::string bytes) {
  objects_[key] = std::move(bytes);
}

Result<ObjectInfo> MemoryStore::Head(const std::string& key) {
  const auto found = objects_.find(key);
  if (found == objects_.end()) return Error(Code::kNotFound, "no object '{}'", key);
  return ObjectInfo{
      .key = key, .etag = '"' + Sha256Hex(found->second) + '"', .size = found->second.size()};
}

Status MemoryStore::Get(const ObjectInfo& info, const ByteSink& sink) {
  ++gets;
  const std::string bytes = objects_.at(info.key);
  for (size_t sent = 0; sent < bytes.size(); sent += piece_bytes) {
    if (on_piece) SARAI_CHECK_OK(on_piece(sent));
    SARAI_CHECK_OK(sink(
        std::as_bytes(std::span(bytes)).subspan(sent, std::min(piece_bytes, bytes.size() - sent))));
  }
  return {};
}

Result<ListPage> MemoryStore::List(const std::string& prefix, bool, const std::string&) {
  ListPage page;
  for (const auto& [key, bytes] : objects_) {
    if (key.starts_with(prefix)) page.objects.push_back(*Head(key));
  }
  return page;
}

TestFolder::TestFolder() {
  std::string pattern = (fs::temp_directory_path() / "sarai-store-XXXXXX").string();
  EXPECT_NE(::mkdtemp(pattern.data()), nullptr);
  path_ = pattern;
}

TestFolder::~TestFolder() { EXPECT_TRUE(RemoveAll(path_).ok()); }

void TestFolder::Write(const std::string& name, std::string_view contents) const {
  const fs::path full = path(name);
  fs::create_directories(full.parent_path());
  std::ofstream(full, std::ios::binary).write(contents.data(), std::ssize(contents));
}

std::string ReadAll(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::map<std::string, std::string> FilesBelow(const std::string& path) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(path)) {
    if (!entry.is_symlink() && entry.is_regular_file()) {
      files[entry.path().lexically_relative(path).string()] = ReadAll(entry.path().string());
    }
  }
  return files;
}

}  // namespace sarai::store
