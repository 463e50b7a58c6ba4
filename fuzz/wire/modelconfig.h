// Promises about a configuration, whatever it was read from.
#pragma once

#include "fuzz/fuzz.h"
#include "model_config.pb.h"
#include "wire/modelconfig/model_config.h"

namespace sarai::fuzz {

// From here on a configuration goes the way a loaded model's does.
inline void ExpectServable(inference::ModelConfig config) {
  if (!ExpectAnswer(modelconfig::Autofill(config, "m", {"model.onnx"}))) return;
  ExpectAnswer(modelconfig::ValidateEarly(config));
  ExpectAnswer(modelconfig::ChooseVersions(config, {3, 1, 2, 0, -1}));
  inference::ModelConfig completed = config;
  if (ExpectAnswer(modelconfig::Complete(
          completed, {.inputs = {{.name = "x", .type = DataType::kFp32, .dims = {-1, 4}}},
                      .outputs = {{.name = "y", .type = DataType::kInt64, .dims = {-1}}},
                      .first_dim_variable = true})))
    modelconfig::Normalize(completed);
  modelconfig::Normalize(config);
  inference::ModelConfig twice = config;
  modelconfig::Normalize(twice);
  FUZZ_EXPECT(twice.SerializeAsString() == config.SerializeAsString(), "{}",
              config.ShortDebugString());
  if (!ExpectAnswer(modelconfig::Validate(config))) return;
  const auto spec = modelconfig::ToSpec(config, 1, "/m");
  FUZZ_EXPECT(spec.has_value(), "{}", spec.error().message());
  FUZZ_EXPECT(spec->instance_count > 0);
  FUZZ_EXPECT(spec->max_batch_size >= 0);
  FUZZ_EXPECT(spec->inputs.size() == static_cast<size_t>(config.input_size()));
  (void)FrameworkInputs(*spec);
  (void)FrameworkOutputs(*spec);
}

// Told as JSON and read again it is the same configuration.
inline void ExpectSameAsJson(const inference::ModelConfig& config) {
  const std::string text = modelconfig::ToJson(config);
  const auto again = modelconfig::ParseJson(text);
  FUZZ_EXPECT(again.has_value(), "{}: {}", again.error().message(), text);
  FUZZ_EXPECT(modelconfig::ToJson(*again) == text, "{}\n  {}", text, modelconfig::ToJson(*again));
}

}  // namespace sarai::fuzz
