// A look into a model file without the framework.
#pragma once

#include <cstdint>
#include <string>

namespace sarai::backends::ort {

struct OnnxFile {
  uint64_t bytes = 0;
  uint64_t nodes = 0;  // of the main graph
};

// Zeros for what cannot be read. Walks over the file's outermost fields: weights are not touched.
OnnxFile ReadOnnxFile(const std::string& path);

}  // namespace sarai::backends::ort
