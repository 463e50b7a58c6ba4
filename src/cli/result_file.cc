#include "cli/result_file.h"

#include <fstream>

namespace sarai::cli {

Status WriteWhole(const std::string& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary);
  file << text;
  file.flush();
  return file ? Status() : MakeStatus(Code::kUnavailable, "cannot write {}", path);
}

}  // namespace sarai::cli
