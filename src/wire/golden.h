// Transcripts under tests/golden, for the tests of this room.
#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

namespace sarai::golden {

inline std::filesystem::path Folder(std::string_view name) {
  return std::filesystem::path(SARAI_TEST_DATA) / name;
}

inline std::string Read(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

// Files of the folder with that ending, by name.
inline std::vector<std::filesystem::path> Files(std::string_view folder, std::string_view ending) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(Folder(folder)))
    if (entry.path().extension() == ending) files.push_back(entry.path());
  std::ranges::sort(files);
  return files;
}

// The file beside `file` with another ending.
inline std::string ReadBeside(std::filesystem::path file, std::string_view ending) {
  return Read(file.replace_extension(ending));
}

}  // namespace sarai::golden
