// The safetensors file format: an 8-byte little-endian length, a JSON header of that length
// ({"name":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}), then the tensors' bytes.
#pragma once

#include <string>
#include <vector>

#include "base/status.h"
#include "types/tensor.h"

namespace sarai::tools {

Result<std::vector<Tensor>> ReadSafetensors(const std::string& path);
Status WriteSafetensors(const std::string& path, const std::vector<Tensor>& tensors);

}  // namespace sarai::tools
