#include <cmath>
#include <cstring>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "wire/json/json.h"
#include "wire/kserve/kserve.h"

namespace sarai::kserve {
namespace {

using testing::HasSubstr;

template <typename T>
Tensor Make(std::string name, DataType type, Shape shape, const std::vector<T>& values) {
  return {.name = std::move(name),
          .type = type,
          .shape = std::move(shape),
          .data = Blob::Copy(std::as_bytes(std::span(values)))};
}

Tensor MakeBytes(Shape shape, const std::vector<std::string_view>& elements) {
  return {.name = "s",
          .type = DataType::kBytes,
          .shape = std::move(shape),
          .data = Blob::FromVector(EncodeBytesElements(elements))};
}

// The JSON part of a response of one output.
std::string Encode(Tensor output, const InferRequest& request = {},
                   const EncodeOptions& options = {}) {
  const InferResponse response{.model = "m", .version = "1", .outputs = {std::move(output)}};
  const auto encoded = EncodeInferResponse(response, request, options);
  if (!encoded) return encoded.error().ToString();
  EXPECT_EQ(encoded->json_size, encoded->body[0].size());
  EXPECT_TRUE(json::Parse(encoded->body[0].text()) ||
              encoded->body[0].text().find("NaN") != std::string_view::npos);
  return std::string(encoded->body[0].text());
}

// What stands in "data": […].
std::string Data(Tensor output, const InferRequest& request = {}) {
  const std::string text = Encode(std::move(output), request);
  const size_t begin = text.find(R"("data":)");
  return begin == std::string::npos ? text : text.substr(begin + 7, text.size() - begin - 10);
}

TEST(EncodeInferResponse, WritesTheWholeResponse) {
  const InferResponse response{
      .model = "res\"net",
      .version = "3",
      .id = "r1",
      .parameters = {{"a", true}, {"b", int64_t{-2}}, {"c", 0.5}, {"d", std::string("x")}},
      .outputs = {Make<float>("y", DataType::kFp32, {1, 2}, {1.5f, -2}),
                  Make<int64_t>("z", DataType::kInt64, {0}, {})}};
  const auto encoded = EncodeInferResponse(response, {});
  ASSERT_TRUE(encoded);
  EXPECT_FALSE(encoded->binary);
  ASSERT_EQ(encoded->body.size(), 1u);
  EXPECT_EQ(encoded->body[0].text(),
            R"({"model_name":"res\"net","model_version":"3","id":"r1",)"
            R"("parameters":{"a":true,"b":-2,"c":0.5,"d":"x"},"outputs":[)"
            R"({"name":"y","datatype":"FP32","shape":[1,2],"data":[1.5,-2.0]},)"
            R"({"name":"z","datatype":"INT64","shape":[0],"data":[]}]})");
}

TEST(EncodeInferResponse, LeavesOutWhatIsNotThere) {
  const auto encoded = EncodeInferResponse({.model = "m", .version = "1"}, {});
  ASSERT_TRUE(encoded);
  EXPECT_EQ(encoded->body[0].text(), R"({"model_name":"m","model_version":"1","outputs":[]})");
}

TEST(EncodeInferResponse, WritesEveryDataType) {
  EXPECT_EQ(Data(Make<uint8_t>("o", DataType::kBool, {3}, {0, 1, 2})), "[false,true,true]");
  EXPECT_EQ(Data(Make<uint8_t>("o", DataType::kUint8, {2}, {0, 255})), "[0,255]");
  EXPECT_EQ(Data(Make<uint16_t>("o", DataType::kUint16, {1}, {65535})), "[65535]");
  EXPECT_EQ(Data(Make<uint32_t>("o", DataType::kUint32, {1}, {4294967295u})), "[4294967295]");
  EXPECT_EQ(Data(Make<uint64_t>("o", DataType::kUint64, {1}, {UINT64_MAX})),
            "[18446744073709551615]");
  EXPECT_EQ(Data(Make<int8_t>("o", DataType::kInt8, {2}, {-128, 127})), "[-128,127]");
  EXPECT_EQ(Data(Make<int16_t>("o", DataType::kInt16, {1}, {-32768})), "[-32768]");
  EXPECT_EQ(Data(Make<int32_t>("o", DataType::kInt32, {1}, {INT32_MIN})), "[-2147483648]");
  EXPECT_EQ(Data(Make<int64_t>("o", DataType::kInt64, {1}, {INT64_MIN})), "[-9223372036854775808]");
  EXPECT_EQ(Data(Make<float>("o", DataType::kFp32, {2}, {0.1f, 3e38f})), "[0.1,3e+38]");
  EXPECT_EQ(Data(Make<double>("o", DataType::kFp64, {1}, {0.1})), "[0.1]");
  EXPECT_EQ(Data(MakeBytes({2}, {"é\n", ""})), "[\"é\\n\",\"\"]");
}

TEST(EncodeInferResponse, WritesWhatIsNoNumberAsPythonReadsIt) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  EXPECT_EQ(Data(Make<float>("o", DataType::kFp32, {3}, {std::nanf(""), kInfinity, -kInfinity})),
            "[NaN,Infinity,-Infinity]");
}

TEST(EncodeInferResponse, WritesManyNumbersWithoutLosingOne) {
  std::vector<float> values(10'000);
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i) * -1.1e-7f;
  InferRequest request;
  const std::string text = R"({"inputs":[{"name":"o","shape":[10000],"datatype":"FP32","data":)" +
                           Data(Make("o", DataType::kFp32, {10'000}, values)) + "}]}";
  const auto parsed = ParseInferRequest(Blob::FromString(text), std::nullopt, {});
  ASSERT_TRUE(parsed) << parsed.error().message();
  EXPECT_EQ(std::memcmp(parsed->inputs[0].data.data(), values.data(), 40'000), 0);
}

TEST(EncodeInferResponse, RefusesWhatJsonCannotCarry) {
  EXPECT_THAT(Encode(Make<uint16_t>("h", DataType::kFp16, {1}, {0})),
              HasSubstr("output 'h': FP16 cannot travel as JSON: ask for the output with "
                        "binary_data true"));
  EXPECT_THAT(Encode(Make<uint16_t>("h", DataType::kBf16, {1}, {0})), HasSubstr("BF16"));
  EXPECT_THAT(Encode(MakeBytes({2}, {"ok", "\xFF"})),
              HasSubstr("output 's': element 1 is not valid UTF-8"));
}

TEST(EncodeInferResponse, PutsBinaryTensorsBehindTheJsonWithoutCopying) {
  const Tensor a = Make<float>("a", DataType::kFp32, {2}, {1, 2});
  const Tensor half = Make<uint16_t>("h", DataType::kFp16, {1}, {0x3C00});
  const Tensor empty = Make<float>("e", DataType::kFp32, {0}, {});
  const Tensor j = Make<int8_t>("j", DataType::kInt8, {1}, {7});
  const InferResponse response{.model = "m", .version = "1", .outputs = {a, j, half, empty}};
  InferRequest request;
  request.binary_outputs = true;
  request.outputs = {{.name = "a", .binary = true},
                     {.name = "j"},
                     {.name = "h", .binary = true},
                     {.name = "e", .binary = true}};
  const auto encoded = EncodeInferResponse(response, request);
  ASSERT_TRUE(encoded);
  EXPECT_TRUE(encoded->binary);
  ASSERT_EQ(encoded->body.size(), 3u);
  EXPECT_EQ(encoded->body[0].size(), encoded->json_size);
  EXPECT_EQ(encoded->body[1].data(), a.data.data());
  EXPECT_EQ(encoded->body[2].data(), half.data.data());
  EXPECT_THAT(std::string(encoded->body[0].text()),
              AllOf(HasSubstr(R"({"name":"a","datatype":"FP32","shape":[2],)"
                              R"("parameters":{"binary_data_size":8}},)"),
                    HasSubstr(R"("data":[7]})"),
                    HasSubstr(R"("shape":[0],"parameters":{"binary_data_size":0}}]})")));
}

TEST(EncodeInferResponse, FollowsTheRequestsDefaultForOutputsNotNamed) {
  InferRequest request;
  request.binary_outputs = true;
  EXPECT_THAT(Encode(Make<uint16_t>("h", DataType::kFp16, {1}, {0}), request),
              HasSubstr("binary_data_size"));
  InferRequest raw;
  raw.raw_input = true;
  EXPECT_THAT(Encode(Make<int8_t>("j", DataType::kInt8, {1}, {7}), raw),
              HasSubstr("binary_data_size"));
}

// ---- classification

std::string Classes(Tensor output, uint32_t classes, const EncodeOptions& options = {}) {
  InferRequest request;
  request.outputs = {{.name = output.name, .classification = classes}};
  const std::string text = Encode(std::move(output), request, options);
  const size_t begin = text.find(R"("datatype")");
  return begin == std::string::npos ? text : text.substr(begin, text.size() - begin - 3);
}

TEST(Classification, GivesTheLargestElementsOfEachRow) {
  EXPECT_EQ(Classes(Make<float>("o", DataType::kFp32, {2, 3}, {0.5f, 2, 1, 7, 7, -1}), 2),
            R"("datatype":"BYTES","shape":[2,2],)"
            R"("data":["2.000000:1","1.000000:2","7.000000:0","7.000000:1"])");
  EXPECT_EQ(Classes(Make<int32_t>("o", DataType::kInt32, {3}, {5, -1, 9}), 10),
            R"("datatype":"BYTES","shape":[3],"data":["9:2","5:0","-1:1"])");
  EXPECT_EQ(Classes(Make<uint64_t>("o", DataType::kUint64, {2}, {UINT64_MAX, 0}), 1),
            R"("datatype":"BYTES","shape":[1],"data":["18446744073709551615:0"])");
}

TEST(Classification, PutsLabelsBehindTheIndexesThatHaveOne) {
  const std::map<std::string, std::vector<std::string>, std::less<>> labels = {
      {"o", {"cat", "dog"}}};
  EXPECT_THAT(
      Classes(Make<double>("o", DataType::kFp64, {1, 3}, {1, 3, 2}), 3, {.labels = &labels}),
      HasSubstr(R"(["3.000000:1:dog","2.000000:2","1.000000:0:cat"])"));
}

TEST(Classification, TakesTheCallersWordForWhatIsARow) {
  const auto output = Make<int8_t>("o", DataType::kInt8, {2}, {3, 4});
  EXPECT_THAT(Classes(output, 1, {.batched = true}),
              HasSubstr(R"("shape":[2,1],"data":["3:0","4:0"])"));
  EXPECT_THAT(Classes(output, 1, {.batched = false}), HasSubstr(R"("shape":[1],"data":["4:1"])"));
}

TEST(Classification, SortsWhatIsNoNumberLast) {
  const float nan = std::nanf("");
  EXPECT_THAT(Classes(Make<float>("o", DataType::kFp32, {4}, {nan, 1, nan, 2}), 4),
              HasSubstr(R"(["2.000000:3","1.000000:1","nan:0","nan:2"])"));
}

TEST(Classification, HandlesEmptyOutputs) {
  EXPECT_THAT(Classes(Make<float>("o", DataType::kFp32, {0, 3}, {}), 2),
              HasSubstr(R"("shape":[0,0],"data":[])"));
  EXPECT_THAT(Classes(Make<float>("o", DataType::kFp32, {}, {4}), 2),
              HasSubstr(R"("shape":[1],"data":["4.000000:0"])"));
}

TEST(Classification, DoesNotGoThroughRowsOfNothing) {
  EXPECT_EQ(Classes(Make<float>("o", DataType::kFp32, {int64_t{1} << 60, 0}, {}), 1),
            R"("datatype":"BYTES","shape":[1152921504606846976,0],"data":[])");
}

TEST(Classification, RefusesWhatCannotBeRanked) {
  EXPECT_THAT(Classes(MakeBytes({1}, {"a"}), 1),
              HasSubstr("'s' of type BYTES cannot be classified"));
  EXPECT_THAT(Classes(Make<uint16_t>("h", DataType::kFp16, {1}, {0}), 1), HasSubstr("FP16"));
  EXPECT_THAT(Classes(Make<uint8_t>("b", DataType::kBool, {1}, {0}), 1), HasSubstr("BOOL"));
  EXPECT_THAT(Classes(Make("o", DataType::kInt8, {1'000'001}, std::vector<int8_t>(1'000'001)), 1),
              HasSubstr("1000001 elements, more than the 1000000"));
  EXPECT_THAT(Classes(Make<float>("o", DataType::kFp32, {3}, {1}), 1),
              HasSubstr("4 bytes were sent"));
}

// ---- the small bodies

TEST(SmallBodies, AreWrittenAsTritonWritesThem) {
  EXPECT_EQ(ErrorBody("no 'x'\n\xFF"), "{\"error\":\"no 'x'\\n\uFFFD\"}");
  EXPECT_EQ(
      EncodeServerMetadata({"sarai", "1.0", {"classification", "binary_tensor_data"}}),
      R"({"name":"sarai","version":"1.0","extensions":["classification","binary_tensor_data"]})");
  EXPECT_EQ(
      EncodeRepositoryIndex(
          {{"a", "1", "READY", ""}, {"b", "", "", ""}, {"c", "2", "UNAVAILABLE", "unloaded"}}),
      R"([{"name":"a","version":"1","state":"READY"},{"name":"b"},)"
      R"({"name":"c","version":"2","state":"UNAVAILABLE","reason":"unloaded"}])");
  EXPECT_EQ(EncodeRepositoryIndex({}), "[]");
}

TEST(EncodeModelMetadata, PutsTheBatchDimensionFirst) {
  ModelSpec spec{.name = "m",
                 .backend = "onnxruntime",
                 .platform = "onnxruntime_onnx",
                 .max_batch_size = 8,
                 .inputs = {{"x", DataType::kFp32, {3, -1}}},
                 .outputs = {{"y", DataType::kBytes, {1}}}};
  EXPECT_EQ(EncodeModelMetadata(spec, {"1", "2"}),
            R"({"name":"m","versions":["1","2"],"platform":"onnxruntime_onnx",)"
            R"("inputs":[{"name":"x","datatype":"FP32","shape":[-1,3,-1]}],)"
            R"("outputs":[{"name":"y","datatype":"BYTES","shape":[-1,1]}]})");
  spec.max_batch_size = 0;
  spec.platform = "";
  EXPECT_THAT(EncodeModelMetadata(spec, {}),
              AllOf(HasSubstr(R"("platform":"onnxruntime")"), HasSubstr(R"("shape":[3,-1])"),
                    HasSubstr(R"("versions":[])")));
}

TEST(ParseIndexRequest, WantsReadyOnesOnlyWhenAsked) {
  EXPECT_FALSE(ParseIndexRequest("").value());
  EXPECT_FALSE(ParseIndexRequest("{}").value());
  EXPECT_TRUE(ParseIndexRequest(R"({"ready":true})").value());
  EXPECT_FALSE(ParseIndexRequest(R"({"ready":1})"));
  EXPECT_FALSE(ParseIndexRequest("[]"));
}

TEST(HttpStatus, FollowsTriton) {
  EXPECT_EQ(HttpStatus(Code::kInvalidArgument), 400);
  EXPECT_EQ(HttpStatus(Code::kAlreadyExists), 400);
  EXPECT_EQ(HttpStatus(Code::kNotFound), 404);
  EXPECT_EQ(HttpStatus(Code::kInternal), 500);
  EXPECT_EQ(HttpStatus(Code::kUnimplemented), 501);
  EXPECT_EQ(HttpStatus(Code::kUnavailable), 503);
  EXPECT_EQ(HttpStatus(Code::kDeadlineExceeded), 504);
}

}  // namespace
}  // namespace sarai::kserve
