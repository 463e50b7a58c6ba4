// `model pack`: a model folder -> the archive that multi-model endpoints expect.
#pragma once

#include <string>

#include "base/status.h"

namespace sarai::cli {

struct PackOptions {
  int compression_level = 6;  // of gzip 1..9, of zstd 1..19; weights hardly shrink at any
};

// Writes `output` (.tar.gz, .tar.zst or .tar by its name; appears by rename when whole) whose root
// is the folder's own name: resnet/config.pbtxt, resnet/1/model.onnx. The same folder gives the
// same bytes: entries are sorted, times and owners zeroed. Returns the archive's size in bytes.
Result<uint64_t> PackModel(const std::string& folder, const std::string& output,
                           const PackOptions& options);

}  // namespace sarai::cli
