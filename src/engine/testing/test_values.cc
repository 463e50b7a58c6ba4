#include "engine/testing/test_values.h"

#include <stdlib.h>

#include <cstring>
#include <fstream>

namespace sarai::engine {

Tensor Floats(std::string name, Shape shape, const std::vector<float>& values) {
  return {std::move(name), DataType::kFp32, std::move(shape),
          Blob::Copy(std::as_bytes(std::span(values)))};
}

Tensor Texts(std::string name, Shape shape, const std::vector<std::string_view>& values) {
  return {std::move(name), DataType::kBytes, std::move(shape),
          Blob::FromVector(EncodeBytesElements(values))};
}

std::vector<float> FloatsOf(const Tensor& tensor) {
  std::vector<float> values(tensor.data.size() / sizeof(float));
  if (!values.empty())
    std::memcpy(values.data(), tensor.data.data(), values.size() * sizeof(float));
  return values;
}

std::vector<std::string> TextsOf(const Tensor& tensor) {
  const auto elements = BytesElements(tensor.data.bytes()).value();
  return {elements.begin(), elements.end()};
}

TestFolder::TestFolder() {
  std::string name = (std::filesystem::temp_directory_path() / "sarai-engine-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) std::abort();
  path_ = name;
}

TestFolder::~TestFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

void TestFolder::Write(std::string_view relative, std::string_view text) const {
  const std::filesystem::path file = path_ / relative;
  std::filesystem::create_directories(file.parent_path());
  std::ofstream(file, std::ios::binary) << text;
}

void TestFolder::MakeFolder(std::string_view relative) const {
  std::filesystem::create_directories(path_ / relative);
}

}  // namespace sarai::engine
