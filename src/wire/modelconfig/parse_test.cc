#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model_config.pb.h"
#include "wire/modelconfig/model_config.h"

namespace sarai::modelconfig {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

std::string TextError(std::string_view text) {
  const auto config = ParseText(text, "config.pbtxt");
  if (config) return "parsed";
  EXPECT_EQ(config.error().code(), Code::kInvalidArgument);
  return config.error().message();
}

TEST(ParseText, ReadsTheMissionsTensorRtConfiguration) {
  const auto config = ParseText(R"(
    name: "resnet"
    platform: "tensorrt_plan"
    max_batch_size : 128
    input [{ name: "input" data_type: TYPE_FP32 dims: [ 3, 224, 224 ] }]
    output [{ name: "output" data_type: TYPE_FP32 dims: [ 1000 ] }]
    model_warmup {
      name : "bs128 Warmup"
      batch_size: 128
      inputs: { key: "input" value: { data_type: TYPE_FP32 dims: 3 dims: 224 dims: 224
                                      zero_data: false } }
    })",
                                "config.pbtxt");
  ASSERT_TRUE(config) << config.error().message();
  EXPECT_EQ(config->max_batch_size(), 128);
  EXPECT_EQ(config->input(0).dims(2), 224);
  EXPECT_EQ(config->model_warmup(0).inputs().at("input").dims_size(), 3);
}

TEST(ParseText, ErrorsNameFileLineColumnAndField) {
  EXPECT_THAT(TextError("name: \"x\"\n\n   max_batch: 8\n"),
              StartsWith("config.pbtxt:3:13: ModelConfig has no field 'max_batch'; did you mean "
                         "'max_batch_size'?"));
  EXPECT_THAT(TextError("input {\n nme: \"x\" }"),
              StartsWith("config.pbtxt:2:5: ModelInput has no field 'nme'"));
  EXPECT_THAT(TextError("max_batch_size: \"8\""), StartsWith("config.pbtxt:1:17: Expected int"));
  EXPECT_THAT(TextError("input { data_type: TYPE_FLOAT }"),
              AllOf(StartsWith("config.pbtxt:1:"), HasSubstr("TYPE_FLOAT")));
}

TEST(ParseText, RefusesBrokenAndHostileText) {
  EXPECT_THAT(TextError("name: \"x"), StartsWith("config.pbtxt:1:"));
  EXPECT_THAT(TextError("input {"), StartsWith("config.pbtxt:1:"));
  EXPECT_THAT(TextError("name: \"a\" name: \"b\""), HasSubstr("specified multiple times"));
  EXPECT_THAT(TextError("max_batch_size: 99999999999"), HasSubstr("out of range"));
  EXPECT_THAT(TextError(std::string_view("\0\x01\x02", 3)), StartsWith("config.pbtxt:1:"));
  EXPECT_THAT(TextError("parameters { key: \"a\" value { string_value: \"\\377\" } }"),
              AllOf(HasSubstr("string_value"), HasSubstr("UTF-8")));
  EXPECT_THAT(TextError(std::string((16 << 20) + 1, ' ')), HasSubstr("more than the 16777216"));
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += "[";
  EXPECT_NE(TextError("input " + deep), "parsed");
  EXPECT_NE(TextError("dynamic_batching { dynamic_batching { " + deep), "parsed");
}

TEST(ParseText, SuggestsTheNearestName) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"inputs { }", "ModelConfig has no field 'inputs'; did you mean 'input'?"},
      {"instance_groups { }", "did you mean 'instance_group'?"},
      {"optimization { cuda { graph_specs { } } }",
       "ModelOptimizationPolicy.Cuda has no field 'graph_specs'; did you mean 'graph_spec'?"},
      {"instance_group { kind: KIND_CUP }",
       "field 'kind' cannot be KIND_CUP; did you mean 'KIND_CPU'?"},
      {"input { data_type: TYPE_FP31 }", "did you mean 'TYPE_FP32'?"},
  };
  for (const auto& [text, expected] : cases) EXPECT_THAT(TextError(text), HasSubstr(expected));
  EXPECT_THAT(TextError("zebra: 1"), testing::EndsWith("ModelConfig has no field 'zebra'"));
}

TEST(ParseText, AcceptsEmptyText) {
  const auto config = ParseText("", "config.pbtxt");
  ASSERT_TRUE(config);
  EXPECT_EQ(config->name(), "");
}

TEST(ParseJson, ReadsWhatToJsonWrites) {
  const auto config = ParseText(R"(
    name: "m" backend: "onnxruntime" max_batch_size: 4
    version_policy { specific { versions: [1, 9007199254740993] } }
    input { name: "x" data_type: TYPE_STRING dims: -1 }
    dynamic_batching { max_queue_delay_microseconds: 18446744073709551615
                       priority_queue_policy { key: 2 value { max_queue_size: 7 } } }
    parameters { key: "k" value { string_value: "12" } })",
                                "config.pbtxt");
  ASSERT_TRUE(config) << config.error().message();
  const std::string json = ToJson(*config);
  const auto again = ParseJson(json);
  ASSERT_TRUE(again) << again.error().message();
  EXPECT_EQ(again->SerializeAsString(), config->SerializeAsString());
}

TEST(ToJson, UsesTritonsNamesAndNumbers) {
  const auto config = ParseText(R"(
    name: "m" max_batch_size: 4
    version_policy { specific { versions: [1, 9007199254740993] } }
    input { name: "x" data_type: TYPE_STRING dims: [-1, 3] reshape { shape: 3 } }
    dynamic_batching { max_queue_delay_microseconds: 100 default_queue_policy {} }
    parameters { key: "k" value { string_value: "12" } })",
                                "config.pbtxt");
  ASSERT_TRUE(config);
  const std::string json = ToJson(*config);
  EXPECT_THAT(json, HasSubstr(R"("dims":[-1,3],"reshape":{"shape":[3]})"));
  EXPECT_THAT(json, HasSubstr(R"("versions":[1,9007199254740993])"));
  EXPECT_THAT(json, HasSubstr(R"("data_type":"TYPE_STRING")"));
  EXPECT_THAT(json, HasSubstr(R"("max_queue_delay_microseconds":100)"));
  EXPECT_THAT(json, HasSubstr(R"("default_timeout_microseconds":0)"));
  EXPECT_THAT(json, HasSubstr(R"("parameters":{"k":{"string_value":"12"}})"));
  EXPECT_THAT(json, HasSubstr(R"("max_batch_size":4)"));
}

TEST(ParseJson, NamesUnknownFieldsByTheirPath) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {R"({"max_batch": 1})",
       "model configuration: ModelConfig has no field 'max_batch'; did you mean 'max_batch_size'?"},
      {R"({"input": [{}, {"nme": "x"}]})", "input[1] has no field 'nme'; did you mean 'name'?"},
      {R"({"model_warmup": [{"inputs": {"x": {"zero": true}}}]})",
       "model_warmup[0].inputs.x has no field 'zero'; did you mean 'zero_data'?"},
  };
  for (const auto& [json, expected] : cases)
    EXPECT_THAT(ParseJson(json).error().message(), HasSubstr(expected));
}

TEST(ParseJson, ReadsCamelCaseAndEnumerationsOfAnyCase) {
  const auto config = ParseJson(R"({"maxBatchSize": 4, "input": [{"data_type": "type_fp32"}]})");
  ASSERT_TRUE(config) << config.error().message();
  EXPECT_EQ(config->max_batch_size(), 4);
  EXPECT_EQ(config->input(0).data_type(), inference::TYPE_FP32);
}

TEST(ParseJson, RefusesWhatIsNoConfiguration) {
  for (const char* json : {"{", "[]", "{\"nam\":\"x\"}", "{\"max_batch_size\":\"many\"}",
                           "{\"input\":[{\"data_type\":\"TYPE_FLOAT\"}]}", "nonsense"})
    EXPECT_EQ(ParseJson(json).error().code(), Code::kInvalidArgument) << json;
  std::string deep = "{\"input\":";
  for (int i = 0; i < 100'000; ++i) deep += "[";
  EXPECT_FALSE(ParseJson(deep));
}

}  // namespace
}  // namespace sarai::modelconfig
