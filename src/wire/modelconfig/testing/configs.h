// Configurations that tests write as text.
#pragma once

#include <string_view>

#include <gtest/gtest.h>

#include "model_config.pb.h"
#include "wire/modelconfig/model_config.h"

namespace sarai::modelconfig {

// An empty one, and a failed test, where the text is none.
inline inference::ModelConfig Config(std::string_view text) {
  auto config = ParseText(text, "config.pbtxt");
  EXPECT_TRUE(config) << config.error().message();
  return config.value_or(inference::ModelConfig());
}

// A valid configuration with `more` behind it.
inline inference::ModelConfig Valid(std::string_view more = "") {
  return Config(fmt::format(R"(
    name: "m" backend: "onnxruntime" max_batch_size: 8
    input {{ name: "x" data_type: TYPE_FP32 dims: [3, -1] }}
    output {{ name: "y" data_type: TYPE_FP32 dims: [2] }} {})",
                            more));
}

}  // namespace sarai::modelconfig
