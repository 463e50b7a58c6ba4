#include <cmath>
#include <cstring>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "wire/kserve/kserve.h"

namespace sarai::kserve {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Result<InferRequest> Parse(std::string text, std::optional<size_t> json_size = std::nullopt,
                           const ParseOptions& options = {}) {
  return ParseInferRequest(Blob::FromString(std::move(text)), json_size, options);
}

// A request of one input "x".
std::string OneInput(std::string_view type, std::string_view shape, std::string_view data) {
  return fmt::format(R"({{"inputs":[{{"name":"x","shape":{},"datatype":"{}","data":{}}}]}})", shape,
                     type, data);
}

std::string ErrorOf(const Result<InferRequest>& request) {
  if (request) return "parsed";
  return request.error().message();
}

template <typename T>
std::vector<T> Values(const Tensor& tensor) {
  std::vector<T> values(tensor.data.size() / sizeof(T));
  if (!values.empty()) std::memcpy(values.data(), tensor.data.data(), tensor.data.size());
  return values;
}

template <typename T>
std::vector<T> ParseValues(std::string_view type, std::string_view data, std::string_view shape) {
  const auto request = Parse(OneInput(type, shape, data));
  EXPECT_EQ(ErrorOf(request), "parsed") << type << data;
  return request ? Values<T>(request->inputs.at(0)) : std::vector<T>();
}

TEST(ParseInferRequest, ReadsEveryMember) {
  const auto request = Parse(R"({
    "id": "r-\u00e9", "unknown": [{"deep": [1, 2]}],
    "parameters": {"priority": 3, "binary_data_output": true, "sequence_id": "s", "timeout": 250,
                   "temperature": 0.5, "big": 18446744073709551615, "n": -4, "on": true,
                   "headers": "h"},
    "inputs": [{"name": "x", "shape": [1, 2], "datatype": "FP32", "data": [[1.5, -2]]}],
    "outputs": [{"name": "y", "parameters": {"binary_data": false, "classification": 3}},
                {"name": "z"}]})");
  ASSERT_EQ(ErrorOf(request), "parsed");
  EXPECT_EQ(request->id, "r-é");
  EXPECT_EQ(request->priority, 3u);
  EXPECT_TRUE(request->binary_outputs);
  EXPECT_FALSE(request->raw_input);
  EXPECT_EQ(request->sequence, CorrelationId("s"));
  EXPECT_EQ(request->timeout, std::chrono::microseconds(250));
  EXPECT_EQ(request->parameters.at("temperature"), Parameter(0.5));
  EXPECT_EQ(request->parameters.at("big"), Parameter(std::numeric_limits<uint64_t>::max()));
  EXPECT_EQ(request->parameters.at("n"), Parameter(int64_t{-4}));
  EXPECT_EQ(request->parameters.at("on"), Parameter(true));
  EXPECT_EQ(request->parameters.at("headers"), Parameter("h"));
  ASSERT_EQ(request->inputs.size(), 1u);
  EXPECT_THAT(request->inputs[0].shape, ElementsAre(1, 2));
  EXPECT_THAT(Values<float>(request->inputs[0]), ElementsAre(1.5f, -2.0f));
  ASSERT_EQ(request->outputs.size(), 2u);
  EXPECT_FALSE(request->outputs[0].binary);
  EXPECT_EQ(request->outputs[0].classification, 3u);
  EXPECT_TRUE(request->outputs[1].binary);
}

TEST(ParseInferRequest, ReadsEveryDataTypeWithItsLimits) {
  EXPECT_THAT(ParseValues<uint8_t>("BOOL", "[true, [false]]", "[2]"), ElementsAre(1, 0));
  EXPECT_THAT(ParseValues<uint8_t>("UINT8", "[0, 255]", "[2]"), ElementsAre(0, 255));
  EXPECT_THAT(ParseValues<uint16_t>("UINT16", "[65535]", "[1]"), ElementsAre(65535));
  EXPECT_THAT(ParseValues<uint32_t>("UINT32", "[4294967295]", "[1]"), ElementsAre(4294967295u));
  EXPECT_THAT(ParseValues<uint64_t>("UINT64", "[18446744073709551615]", "[1]"),
              ElementsAre(18446744073709551615u));
  EXPECT_THAT(ParseValues<int8_t>("INT8", "[-128, 127]", "[2]"), ElementsAre(-128, 127));
  EXPECT_THAT(ParseValues<int16_t>("INT16", "[-32768]", "[1]"), ElementsAre(-32768));
  EXPECT_THAT(ParseValues<int32_t>("INT32", "[-2147483648]", "[1]"), ElementsAre(INT32_MIN));
  EXPECT_THAT(ParseValues<int64_t>("INT64", "[-9223372036854775808, 9223372036854775807]", "[2]"),
              ElementsAre(INT64_MIN, INT64_MAX));
  EXPECT_THAT(ParseValues<float>("FP32", "[3.4028234663852886e38, 1e-45, 7]", "[3]"),
              ElementsAre(std::numeric_limits<float>::max(),
                          std::numeric_limits<float>::denorm_min(), 7.0f));
  EXPECT_THAT(ParseValues<double>("FP64", "[1.7976931348623157e308, 0.1]", "[2]"),
              ElementsAre(std::numeric_limits<double>::max(), 0.1));
}

TEST(ParseInferRequest, TakesNestedAndFlatDataAlike) {
  for (const char* data : {"[1,2,3,4,5,6]", "[[1,2,3],[4,5,6]]", "[[[1],[2],[3]],[[4],[5],[6]]]"})
    EXPECT_THAT(ParseValues<int32_t>("INT32", data, "[2,3]"), ElementsAre(1, 2, 3, 4, 5, 6));
}

TEST(ParseInferRequest, TakesScalarsAndEmptyTensors) {
  EXPECT_THAT(ParseValues<int32_t>("INT32", "[7]", "[]"), ElementsAre(7));
  EXPECT_THAT(ParseValues<int32_t>("INT32", "[]", "[0]"), IsEmpty());
  EXPECT_THAT(ParseValues<int32_t>("INT32", "[[],[]]", "[2,0]"), IsEmpty());
  EXPECT_THAT(ParseValues<char>("BYTES", "[]", "[0,3]"), IsEmpty());
}

TEST(ParseInferRequest, UnderstandsPythonsWordsForWhatIsNoNumber) {
  const auto values = ParseValues<float>("FP32", "[NaN, 1, [Infinity], -Infinity]", "[4]");
  ASSERT_EQ(values.size(), 4u);
  EXPECT_TRUE(std::isnan(values[0]));
  EXPECT_EQ(values[1], 1.0f);
  EXPECT_EQ(values[2], std::numeric_limits<float>::infinity());
  EXPECT_EQ(values[3], -std::numeric_limits<float>::infinity());
}

TEST(ParseInferRequest, ReadsStringsAsBytes) {
  const auto request =
      Parse(OneInput("BYTES", "[2,2]", R"([["a\n\u0000", ""],["é", "\ud83d\ude00"]])"));
  ASSERT_EQ(ErrorOf(request), "parsed");
  EXPECT_THAT(BytesElements(request->inputs[0].data.bytes()).value(),
              ElementsAre(std::string_view("a\n\0", 3), "", "é", "\U0001F600"));
}

TEST(ParseInferRequest, TakesMembersInAnyOrder) {
  const auto request = Parse(R"({"outputs":[{"parameters":{"classification":1},"name":"y"}],
    "inputs":[{"data":[[1, "]"], "a"],"parameters":{},"datatype":"BYTES","shape":[3],"name":"s"},
              {"data":[1,2],"name":"t","shape":[2],"datatype":"INT64"}],
    "parameters":{"binary_data_output":true}})");
  EXPECT_THAT(ErrorOf(request), HasSubstr("input 's': element 0 is 1: not a BYTES"));
  const auto good = Parse(R"({"outputs":[{"name":"y"}],
    "inputs":[{"data":[["]"], "a"],"datatype":"BYTES","shape":[2],"name":"s"},
              {"data":[1,2],"name":"t","shape":[2],"datatype":"INT64"}],
    "parameters":{"binary_data_output":true}})");
  ASSERT_EQ(ErrorOf(good), "parsed");
  EXPECT_THAT(BytesElements(good->inputs[0].data.bytes()).value(), ElementsAre("]", "a"));
  EXPECT_THAT(Values<int64_t>(good->inputs[1]), ElementsAre(1, 2));
  EXPECT_TRUE(good->outputs[0].binary);
}

TEST(ParseInferRequest, PointsIntoTheBodyForBinaryData) {
  const std::string json = R"({"inputs":[
    {"name":"a","shape":[2],"datatype":"FP16","parameters":{"binary_data_size":4}},
    {"name":"j","shape":[1],"datatype":"INT8","data":[9]},
    {"name":"b","shape":[2],"datatype":"BYTES","parameters":{"binary_data_size":9}},
    {"name":"e","shape":[0],"datatype":"FP32","parameters":{"binary_data_size":0}}]})";
  const Blob body =
      Blob::FromString(json + "\x01\x02\x03\x04" + std::string("\x01\0\0\0\0\0\0\0\0", 9));
  const auto request = ParseInferRequest(body, json.size(), {});
  ASSERT_EQ(ErrorOf(request), "parsed");
  EXPECT_EQ(request->inputs[0].data.data(), body.data() + json.size());
  EXPECT_EQ(request->inputs[0].data.size(), 4u);
  EXPECT_THAT(Values<int8_t>(request->inputs[1]), ElementsAre(9));
  EXPECT_THAT(BytesElements(request->inputs[2].data.bytes()).value(),
              ElementsAre(std::string_view("\0", 1), ""));
  EXPECT_EQ(request->inputs[3].data.size(), 0u);
}

TEST(ParseInferRequest, TakesTheWholeBodyAsOneRawTensor) {
  const Blob body = Blob::FromString("raw bytes");
  const auto request = ParseInferRequest(body, 0, {});
  ASSERT_EQ(ErrorOf(request), "parsed");
  EXPECT_TRUE(request->raw_input);
  EXPECT_TRUE(request->binary_outputs);
  ASSERT_EQ(request->inputs.size(), 1u);
  EXPECT_EQ(request->inputs[0].data.data(), body.data());
}

TEST(ParseInferRequest, ErrorsNameTheTensorAndWhatWasExpected) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {OneInput("FP32", "[2]", "[1]"), "input 'x': 'data' holds 1 elements, but shape [2] needs 2"},
      {OneInput("FP32", "[2]", "[1,2,3]"), "'data' holds 3 elements, but shape [2] needs 2"},
      {OneInput("UINT8", "[2]", "[1,256]"), "input 'x': element 1 is 256: not a UINT8"},
      {OneInput("UINT8", "[1]", "[-1]"), "element 0 is -1: not a UINT8"},
      {OneInput("UINT64", "[1]", "[18446744073709551616]"), "not a UINT64"},
      {OneInput("INT64", "[1]", "[9223372036854775808]"), "not a INT64"},
      {OneInput("INT8", "[1]", "[128]"), "element 0 is 128: not a INT8"},
      {OneInput("INT32", "[1]", "[1.5]"), "element 0 is 1.5: not a INT32"},
      {OneInput("INT32", "[1]", "[\"1\"]"), "element 0 is \"1\": not a INT32"},
      {OneInput("INT32", "[1]", "[null]"), "element 0 is null: not a INT32"},
      {OneInput("INT32", "[1]", "[{}]"), "element 0 is {: not a INT32"},
      {OneInput("INT32", "[1]", "[NaN]"), "element 0 is NaN: not a INT32"},
      {OneInput("BOOL", "[1]", "[1]"), "element 0 is 1: not a BOOL"},
      {OneInput("BOOL", "[1]", "[tru]"), "element 0 is tru: not a BOOL"},
      {OneInput("BYTES", "[1]", "[1]"), "element 0 is 1: not a BYTES"},
      {OneInput("FP32", "[1]", "[1e39]"), "element 0 is 1e39: not a FP32"},
      {OneInput("FP64", "[1]", "[1e400]"), "element 0 is 1e400: not a FP64"},
      {OneInput("FP32", "[1]", "[nan]"), "element 0 is nan: not a FP32"},
      {OneInput("FP16", "[1]", "[1]"), "FP16 cannot travel as JSON: send it as binary data"},
      {OneInput("BF16", "[1]", "[1]"), "BF16 cannot travel as JSON"},
      {OneInput("FP8", "[1]", "[1]"), "input 'x': datatype 'FP8' is unknown"},
      {OneInput("INVALID", "[1]", "[1]"), "datatype 'INVALID' is unknown"},
      {OneInput("FP32", "[-1]", "[1]"), "shape has the negative dimension -1"},
      {OneInput("FP32", "[1.5]", "[1]"), "'shape' must be a list of integers"},
      {OneInput("FP32", "3", "[1]"), "'shape' must be a list"},
      {OneInput("FP32", "[4611686018427387904,4]", "[1]"), "too many elements"},
      {OneInput("FP32", "[1]", "1"), "'data' must be a list"},
      {R"({"inputs":[{"name":"x","shape":[1],"datatype":"FP32"}]})",
       "input 'x': it has neither 'data' nor 'binary_data_size'"},
      {R"({"inputs":[{"shape":[1],"datatype":"FP32","data":[1]}]})",
       "inputs[0]: 'name' is missing"},
      {R"({"inputs":[{"name":"x","datatype":"FP32","data":[1]}]})",
       "input 'x': 'shape' is missing"},
      {R"({"inputs":[{"name":"x","shape":[1],"data":[1]}]})", "input 'x': 'datatype' is missing"},
      {R"({"inputs":[{"name":5}]})", "inputs[0]: 'name' must be a string"},
      {R"({"inputs":[5]})", "inputs[0]: it must be an object"},
      {R"({"inputs":{}})", "'inputs' must be a list"},
      {R"({"outputs":[]})", "'inputs' is missing"},
      {R"({"inputs":[],"inputs":[]})", "'inputs' is given twice"},
      {R"({"inputs":[],"id":7})", "'id' must be a string"},
      {R"([])", "the request must be a JSON object"},
      {R"(5)", "the request must be a JSON object"},
      {R"({"inputs":[{"name":"x","shape":[1],"datatype":"FP32","data":[1]},
                     {"name":"x","shape":[1],"datatype":"FP32","data":[1]}]})",
       "input 'x' already exists in request"},
      {R"({"inputs":[{"name":"x","shape":[1],"datatype":"FP32","data":[1],"data":[2]}]})",
       "input 'x': 'data' is given twice"},
      {R"({"inputs":[],"outputs":[{"name":"y"},{"name":"y"}]})",
       "output 'y' already exists in request"},
      {R"({"inputs":[],"outputs":[{}]})", "outputs[0]: 'name' is missing"},
      {R"({"inputs":[],"outputs":[{"name":"y","parameters":{"classification":-1}}]})",
       "output 'y': parameter 'classification' must be an integer of 0 or more"},
      {R"({"inputs":[],"outputs":[{"name":"y","parameters":{"binary_data":1}}]})",
       "output 'y': parameter 'binary_data' must be true or false"},
      {R"({"inputs":[],"parameters":{"triton_x":1}})", "parameter 'triton_x' is a reserved name"},
      {R"({"inputs":[],"parameters":{"triton_enable_empty_final_response":true}})",
       "'triton_enable_empty_final_response' is a reserved name"},
      {R"({"inputs":[],"parameters":{"binary_data_output":1}})",
       "parameter 'binary_data_output' must be true or false"},
      {R"({"inputs":[],"parameters":{"sequence_start":1}})",
       "parameter 'sequence_start' must be true or false"},
      {R"({"inputs":[],"parameters":{"sequence_id":-1}})", "parameter 'sequence_id' must be"},
      {R"({"inputs":[],"parameters":{"timeout":-1}})", "parameter 'timeout' must be"},
      {R"({"inputs":[],"parameters":{"priority":"high"}})", "parameter 'priority' must be"},
      {R"({"inputs":[],"parameters":{"a":[1]}})", "parameter 'a' must be a string, number or bool"},
      {R"({"inputs":[],"parameters":{"a":1,"a":2}})", "parameter 'a' is given twice"},
      {R"({"inputs":[],"parameters":[]})", "'parameters' must be an object"},
  };
  for (const auto& [text, expected] : cases) {
    const auto request = Parse(text);
    EXPECT_THAT(ErrorOf(request), HasSubstr(expected)) << text;
    ASSERT_FALSE(request) << text;
    EXPECT_EQ(request.error().code(), Code::kInvalidArgument) << text;
  }
}

TEST(ParseInferRequest, ReadsPlacesInSharedMemory) {
  const auto request = Parse(R"({"inputs":[{"name":"x","shape":[1],"datatype":"FP32","parameters":
      {"shared_memory_region":"in","shared_memory_offset":8,"shared_memory_byte_size":4}}],
      "outputs":[{"name":"y","parameters":
      {"shared_memory_region":"out","shared_memory_byte_size":16}}]})");
  ASSERT_TRUE(request) << request.error().message();
  EXPECT_TRUE(request->inputs.at(0).data.empty());
  const SharedMemoryUse& in = request->shared_inputs.at("x");
  EXPECT_EQ(in.region, "in");
  EXPECT_EQ(in.offset, 8u);
  EXPECT_EQ(in.byte_size, 4u);
  const auto& out = request->outputs.at(0).shared_memory;
  ASSERT_TRUE(out);
  EXPECT_EQ(out->region, "out");
  EXPECT_EQ(out->byte_size, 16u);
}

TEST(ParseInferRequest, RefusesHalfAPlaceInSharedMemory) {
  const auto parse = [](std::string_view parameters, std::string_view data = "") {
    return Parse(fmt::format(R"({{"inputs":[{{"name":"x","shape":[1],"datatype":"FP32",{}
                             "parameters":{{{}}}}}]}})",
                             data, parameters));
  };
  const std::vector<std::pair<Result<InferRequest>, std::string>> cases = {
      {parse(R"("shared_memory_region":"r")"), "'shared_memory_byte_size' must be given"},
      {parse(R"("shared_memory_byte_size":4)"), "'shared_memory_region' must be given"},
      {parse(R"("shared_memory_region":7)"), "'shared_memory_region' must be a string"},
      {parse(R"("shared_memory_region":"r","shared_memory_byte_size":-4)"),
       "'shared_memory_byte_size' must be"},
      {parse(R"("shared_memory_region":"r","shared_memory_kind":1)"),
       "'shared_memory_kind' is unknown"},
      {parse(R"("shared_memory_region":"r","shared_memory_byte_size":4)", R"("data":[1],)"),
       "it has data and a shared-memory region"},
  };
  for (const auto& [request, error] : cases) EXPECT_THAT(ErrorOf(request), HasSubstr(error));
}

TEST(ParseInferRequest, RefusesBinaryDataThatDoesNotAddUp) {
  const auto binary = [](std::string_view type, std::string_view shape, std::string_view size) {
    return fmt::format(R"({{"inputs":[{{"name":"x","shape":{},"datatype":"{}",)"
                       R"("parameters":{{"binary_data_size":{}}}}}]}})",
                       shape, type, size);
  };
  const std::vector<std::tuple<std::string, std::string, std::string>> cases = {
      {binary("FP32", "[2]", "8"), "1234567", "binary_data_size is 8, but only 7 bytes are left"},
      {binary("FP32", "[2]", "4"), "1234",
       "input 'x': binary_data_size is 4, but FP32 of shape [2] needs 2 elements of 4 bytes"},
      {binary("FP32", "[1]", "4"), "12345678", "the body holds 4 bytes behind the JSON and the 4"},
      {binary("FP32", "[1]", "-4"), "1234", "'binary_data_size' must be an integer of 0 or more"},
      {binary("FP32", "[1]", "18446744073709551615"), "1234", "only 4 bytes are left"},
      {binary("FP32", "[4611686018427387904]", "0"), "", "needs 4611686018427387904 elements"},
      {binary("BYTES", "[1]", "4"), std::string("\x09\0\0\0", 4), "announces 9 bytes"},
      {binary("BYTES", "[2]", "4"), std::string("\0\0\0\0", 4),
       "holds 1 BYTES elements, but shape [2] needs 2"},
      {binary("BYTES", "[1]", "3"), "abc", "ends inside the length of element 0"},
  };
  for (const auto& [json, data, expected] : cases)
    EXPECT_THAT(ErrorOf(Parse(json + data, json.size())), HasSubstr(expected)) << json;
  const auto both = Parse(R"({"inputs":[{"name":"x","shape":[1],"datatype":"INT8","data":[1],)"
                          R"("parameters":{"binary_data_size":0}}]})");
  EXPECT_THAT(ErrorOf(both), HasSubstr("it has both 'data' and 'binary_data_size'"));
}

TEST(ParseInferRequest, RefusesEveryTruncation) {
  const std::string whole =
      R"({"id":"a","parameters":{"p":1.5},"inputs":[{"name":"x","shape":[2,1],)"
      R"("datatype":"FP32","data":[[1.25],[2]]}],"outputs":[{"name":"y"}]})";
  ASSERT_EQ(ErrorOf(Parse(whole)), "parsed");
  for (size_t size = 0; size < whole.size(); ++size)
    EXPECT_FALSE(Parse(whole.substr(0, size))) << whole.substr(0, size);
}

TEST(ParseInferRequest, SurvivesEveryFlippedByte) {
  const std::string whole = R"({"parameters":{"p":1},"inputs":[{"data":["a\n",[]],"name":"x",)"
                            R"("shape":[1],"datatype":"BYTES"}],"outputs":[{"name":"y"}]})";
  ASSERT_EQ(ErrorOf(Parse(whole)), "parsed");
  for (size_t at = 0; at < whole.size(); ++at)
    for (const char c : std::string_view("\0{}[]\",:\\x1-\xFF", 13)) {
      std::string changed = whole;
      changed[at] = c;
      EXPECT_NE(ErrorOf(Parse(changed)), "");
    }
}

TEST(ParseInferRequest, RefusesTextThatIsNotJson) {
  for (const char* text :
       {"", " ", "{", "}", "{\"inputs\":[]}x", "{\"inputs\":[]}{}", "\xFF\xFE", "{\"inputs\":[],}",
        "{\"inputs\" []}", "{inputs:[]}", "{\"inputs\":[{\"name\":\"\\ud800\"}]}"})
    EXPECT_FALSE(Parse(text)) << text;
}

TEST(ParseInferRequest, BoundsWhatItReads) {
  EXPECT_THAT(ErrorOf(Parse(OneInput("FP32", "[1]", "[1]"), std::nullopt, {.max_json_bytes = 10})),
              HasSubstr("exceeds the maximum allowed input size of 10 bytes"));
  std::string many = "[1";
  for (int i = 1; i < 100; ++i) many += ",1";
  many += "]";
  EXPECT_THAT(
      ErrorOf(Parse(OneInput("FP64", "[100]", many), std::nullopt, {.max_json_bytes = 700})),
      HasSubstr("too large once expanded"));
  std::string deep(50'000, '[');
  EXPECT_THAT(ErrorOf(Parse(OneInput("FP32", "[1]", deep + std::string(50'000, ']')))),
              HasSubstr("input 'x': JSON nesting depth exceeds maximum allowed limit (100)"));
  EXPECT_FALSE(Parse(OneInput("FP32", "[1]", deep)));
  EXPECT_FALSE(Parse("{\"a\":" + deep));
  EXPECT_EQ(
      ErrorOf(Parse(OneInput("FP32", "[1]", std::string(97, '[') + "1" + std::string(97, ']')))),
      "parsed");
  EXPECT_FALSE(Parse(OneInput("FP32", "[1]", std::string(98, '[') + "1" + std::string(98, ']'))));
  std::string outputs = R"({"inputs":[],"outputs":[{"name":"0"})";
  for (int i = 1; i < 1025; ++i) outputs += fmt::format(R"(,{{"name":"{}"}})", i);
  EXPECT_THAT(ErrorOf(Parse(outputs + "]}")), HasSubstr("more than 1024 outputs"));
}

TEST(JsonSizeFromHeaders, ReadsTheLengthOfTheJsonPart) {
  http::Headers headers;
  EXPECT_EQ(JsonSizeFromHeaders(headers, 10).value(), std::nullopt);
  headers.Add("inference-header-content-length", "7");
  EXPECT_EQ(JsonSizeFromHeaders(headers, 10).value(), 7u);
  EXPECT_THAT(JsonSizeFromHeaders(headers, 6).error().message(), HasSubstr("7"));
  for (const char* bad : {"-1", "x", "", "7 8", "1e3", "99999999999999999999999"}) {
    headers.Set("Inference-Header-Content-Length", bad);
    EXPECT_EQ(JsonSizeFromHeaders(headers, 1000).error().code(), Code::kInvalidArgument) << bad;
  }
}

}  // namespace
}  // namespace sarai::kserve
