// Small things that the engine's tests need: tensors from numbers, folders with files.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "types/tensor.h"

namespace sarai::engine {

Tensor Floats(std::string name, Shape shape, const std::vector<float>& values);
Tensor Texts(std::string name, Shape shape, const std::vector<std::string_view>& values);
std::vector<float> FloatsOf(const Tensor& tensor);
std::vector<std::string> TextsOf(const Tensor& tensor);

// A folder of its own, removed at the end.
class TestFolder {
 public:
  TestFolder();
  ~TestFolder();
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;

  std::string path() const { return path_; }
  std::string path(std::string_view relative) const { return path_ / relative; }
  // Makes the folders on the way.
  void Write(std::string_view relative, std::string_view text) const;
  void MakeFolder(std::string_view relative) const;

 private:
  std::filesystem::path path_;
};

}  // namespace sarai::engine
