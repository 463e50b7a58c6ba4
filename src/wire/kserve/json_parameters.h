// `parameters` objects of an inference request.
#pragma once

#include <optional>

#include "types/inference.h"
#include "wire/kserve/json_reader.h"

namespace sarai::kserve {

// A string, number or bool.
Result<Parameter> ReadParameter(ondemand::value value, std::string_view what);

// The request's own parameters: binary_data_output, and by SetRequestParameter.
Status ReadRequestParameters(ondemand::value value, size_t max_parameters, InferRequest& request);

struct InputParameters {
  std::optional<uint64_t> binary_data_size;
  std::optional<SharedMemoryUse> shared_memory;
};
Result<InputParameters> ReadInputParameters(ondemand::value value);

struct OutputParameters {
  std::optional<bool> binary_data;
  uint32_t classification = 0;
  std::optional<SharedMemoryUse> shared_memory;
  Parameters others;
};
Result<OutputParameters> ReadOutputParameters(ondemand::value value, size_t max_parameters);

}  // namespace sarai::kserve
