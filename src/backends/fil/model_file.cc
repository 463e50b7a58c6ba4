#include "backends/fil/model_file.h"

#include <filesystem>
#include <fstream>

namespace sarai::backends::fil {

Result<std::string> ReadModelFile(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error))
    return Error(Code::kNotFound, "there is no file '{}'", path);
  const uint64_t size = std::filesystem::file_size(path, error);
  std::ifstream file(path, std::ios::binary);
  std::string bytes(error ? 0 : size, '\0');
  file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  if (!file) return Error(Code::kDataLoss, "cannot read '{}'", path);
  if (bytes.empty()) return Error(Code::kDataLoss, "'{}' is empty", path);
  return bytes;
}

}  // namespace sarai::backends::fil
