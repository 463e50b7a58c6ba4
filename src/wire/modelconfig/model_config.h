// config.pbtxt: protobuf text <-> our own ModelConfig message (proto/model_config.proto, Triton's
// field numbers) -> ModelSpec. Order of use: Parse, Autofill (name, backend, version defaults),
// Complete (from the loaded model), Normalize, Validate, ToSpec.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "types/model_spec.h"

namespace inference {
class ModelConfig;  // generated
}

namespace sarai::modelconfig {

// Errors name line, column and what is wrong: "config.pbtxt:3:7: no field named 'max_batch'".
Result<inference::ModelConfig> ParseText(std::string_view text, std::string_view file_name);
Result<inference::ModelConfig> ParseJson(std::string_view json);
std::string ToJson(const inference::ModelConfig& config);  // GET …/config
std::string ToText(const inference::ModelConfig& config);  // a config.pbtxt

// Fills what does not need the model: name (from the folder), backend <-> platform, default file
// name. `files` are the names in the chosen version folder ("model.onnx").
Status Autofill(inference::ModelConfig& config, std::string_view folder_name,
                const std::vector<std::string>& files);

// What the framework says, dims with the batch dimension.
struct Discovered {
  std::vector<TensorSpec> inputs, outputs;
  bool first_dim_variable = false;
};
struct Completion {
  bool fill = true;  // false: only check; what the file leaves out is an error
  int default_max_batch_size = 4;
};
// Adds missing inputs, outputs, max_batch_size (4 and dynamic batching when the first dims are
// variable and the file says nothing) and checks what is there against the model.
Status Complete(inference::ModelConfig& config, const Discovered& discovered,
                const Completion& completion = {});

void Normalize(inference::ModelConfig& config);
Status Validate(const inference::ModelConfig& config);
// The part of Validate that needs nothing from the model, for an answer before it is loaded.
Status ValidateEarly(const inference::ModelConfig& config);

// Version folders to serve, by version_policy; `available` are the positive integers found.
Result<std::vector<int64_t>> ChooseVersions(const inference::ModelConfig& config,
                                            std::vector<int64_t> available);

// Plain values for the engine. `directory` is absolute. Works on incomplete configs too (no
// inputs yet): Backend::Load needs only backend, artifact and parameters.
Result<ModelSpec> ToSpec(const inference::ModelConfig& config, int64_t version,
                         std::string_view directory);

}  // namespace sarai::modelconfig
