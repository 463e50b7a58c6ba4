// Test tool: turns every *.py file of a folder, methods of a module in TorchScript's language, into
// a module file: `write_script_modules SOURCE_FOLDER TARGET_FOLDER`. Lines like
//   # parameter weight 1024 1024
// give the module a float parameter of that shape, filled from a fixed seed.

#include <ATen/ATen.h>
#include <torch/csrc/jit/api/module.h>

#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;

constexpr char kParameterMark[] = "# parameter ";

std::string ReadFile(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void AddParameter(torch::jit::Module& module, const std::string& declaration) {
  std::istringstream words(declaration);
  std::string name;
  words >> name;
  std::vector<int64_t> shape;
  for (int64_t dim = 0; words >> dim;) shape.push_back(dim);
  module.register_parameter(name, at::randn(shape), /*is_buffer=*/false);
}

// The framework's errors do not say which file they are about.
void WriteModule(const fs::path& source, const fs::path& target) try {
  at::manual_seed(1);
  torch::jit::Module module("TestModule");
  const std::string text = ReadFile(source);
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with(kParameterMark))
      AddParameter(module, line.substr(sizeof(kParameterMark) - 1));
  module.define(text);
  module.save(target.string());
} catch (const std::exception& error) {
  throw std::runtime_error(source.string() + ": " + error.what());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: %s SOURCE_FOLDER TARGET_FOLDER\n", argv[0]);
    return 2;
  }
  try {
    fs::create_directories(argv[2]);
    for (const auto& entry : fs::directory_iterator(argv[1]))
      if (entry.path().extension() == ".py")
        WriteModule(entry.path(), fs::path(argv[2]) / entry.path().stem().concat(".pt"));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  return 0;
}
