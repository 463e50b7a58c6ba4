#include "wire/kserve/generate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sarai::kserve {
namespace {

using testing::HasSubstr;

ModelSpec Model(std::vector<TensorSpec> inputs, int64_t max_batch_size = 0) {
  return {.name = "m", .max_batch_size = max_batch_size, .inputs = std::move(inputs)};
}

ModelSpec TextModel() {
  return Model({{.name = "text_input", .type = DataType::kBytes, .dims = {1}},
                {.name = "max_tokens", .type = DataType::kInt32, .dims = {1}},
                {.name = "temperature", .type = DataType::kFp32, .dims = {1}, .optional = true},
                {.name = "stream", .type = DataType::kBool, .dims = {1}}},
               8);
}

Result<InferRequest> Parse(std::string_view body, const ModelSpec& spec = TextModel(),
                           const ParseOptions& options = {}) {
  return ParseGenerateRequest(body, spec, options);
}

std::string ErrorOf(std::string_view body, const ModelSpec& spec = TextModel()) {
  const auto request = Parse(body, spec);
  return request ? "no error" : request.error().message();
}

TEST(ParseGenerateRequest, MembersAreInputsByNameOrParameters) {
  const auto request =
      Parse(R"({"id":"7","text_input":"hello","max_tokens":[20],"stream":true,"temperature":0,)"
            R"("top_k":4,"parameters":{"top_p":0.5,"stop":"x","bad":false}})");
  ASSERT_TRUE(request) << request.error().message();
  EXPECT_EQ(request->id, "7");
  ASSERT_EQ(request->inputs.size(), 4u);
  const Tensor& text = request->inputs[0];
  EXPECT_EQ(text.name, "text_input");
  EXPECT_EQ(text.shape, (Shape{1, 1}));
  EXPECT_EQ(BytesElements(text.data.bytes())->at(0), "hello");
  EXPECT_EQ(request->inputs[3].name, "temperature");
  EXPECT_EQ(request->inputs[3].data.size(), 4u);
  EXPECT_EQ(
      request->parameters,
      (Parameters{
          {"top_k", int64_t{4}}, {"top_p", 0.5}, {"stop", std::string("x")}, {"bad", false}}));
}

TEST(ParseGenerateRequest, NestedParametersMayBeInputsToo) {
  const auto request = Parse(R"({"parameters":{"text_input":"x","max_tokens":1}})");
  ASSERT_TRUE(request);
  EXPECT_EQ(request->inputs.size(), 2u);
  EXPECT_THAT(ErrorOf(R"({"text_input":"a","parameters":{"text_input":"x"}})"),
              HasSubstr("input 'text_input' already exists in request"));
}

TEST(ParseGenerateRequest, ParametersWithAMeaningGoToTheirMembers) {
  const auto request =
      Parse(R"({"sequence_id":5,"sequence_start":true,"priority":2,"timeout":1000})");
  ASSERT_TRUE(request);
  EXPECT_EQ(request->sequence, CorrelationId(uint64_t{5}));
  EXPECT_TRUE(request->sequence_start);
  EXPECT_EQ(request->priority, 2u);
  EXPECT_EQ(request->timeout, std::chrono::milliseconds(1));
  EXPECT_TRUE(request->parameters.empty());
}

TEST(ParseGenerateRequest, ElementsFillTheModelsShape) {
  struct Case {
    Shape dims;
    int64_t max_batch_size;
    std::string data;
    Shape shape;  // empty: refused
  };
  const Case cases[] = {
      {{-1}, 0, "5", {1}},
      {{-1}, 0, "[1,2,3]", {3}},
      {{-1}, 0, "[[1,2],[3,4]]", {4}},
      {{-1}, 0, "[]", {0}},
      {{1}, 0, "[5]", {1}},
      {{1}, 8, "5", {1, 1}},
      {{2}, 8, "[1,2,3,4]", {2, 2}},
      {{-1}, 8, "[1,2,3,4]", {1, 4}},
      {{-1, 2, -1}, 0, "[1,2,3,4,5,6]", {1, 2, 3}},
      {{2, 2}, 0, "[1,2,3,4]", {2, 2}},
      {{2}, 0, "[1,2,3]", {}},
      {{2}, 0, "[1,2,3,4]", {}},
      {{2}, 0, "[]", {}},
      {{2}, 8, "[1,2,3]", {}},
  };
  for (const Case& c : cases) {
    const ModelSpec spec =
        Model({{.name = "x", .type = DataType::kInt32, .dims = c.dims}}, c.max_batch_size);
    const auto request = Parse(fmt::format(R"({{"x":{}}})", c.data), spec);
    if (c.shape.empty()) {
      ASSERT_FALSE(request) << c.data;
      EXPECT_THAT(request.error().message(), HasSubstr("input 'x': its"));
      EXPECT_THAT(request.error().message(), HasSubstr("do not fill the model's shape"));
      continue;
    }
    ASSERT_TRUE(request) << request.error().message();
    EXPECT_EQ(request->inputs.at(0).shape, c.shape) << c.data;
  }
}

TEST(ParseGenerateRequest, SaysWhatIsWrong) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "malformed"},
      {"[]", "the request must be a JSON object"},
      {"{", "malformed"},
      {R"({"id":"x"} 5)", "malformed"},
      {R"({"id":5})", "'id' must be a string"},
      {R"({"parameters":5})", "'parameters' must be an object"},
      {R"({"foo":{"a":1}})", "parameter 'foo' must be a string, number or bool"},
      {R"({"foo":null})", "parameter 'foo' must be a string, number or bool"},
      {R"({"parameters":{"foo":[1]}})", "parameter 'foo' must be a string, number or bool"},
      {R"({"foo":1,"foo":2})", "parameter 'foo' is given twice"},
      {R"({"text_input":5})", "input 'text_input': element 0 is 5: not a BYTES"},
      {R"({"text_input":{"a":1}})", "input 'text_input': element 0 is {: not a BYTES"},
      {R"({"max_tokens":"x"})", "input 'max_tokens': element 0 is \"x\": not a INT32"},
      {R"({"max_tokens":[1,2.5]})", "element 1 is 2.5: not a INT32"},
      {R"({"max_tokens":null})", "input 'max_tokens': element 0 is null: not a INT32"},
      {R"({"stream":1})", "input 'stream': element 0 is 1: not a BOOL"},
  };
  for (const auto& [body, expected] : cases) EXPECT_THAT(ErrorOf(body), HasSubstr(expected));
}

TEST(ParseGenerateRequest, AnInputMayBeCalledIdButNotParameters) {
  const auto request =
      Parse(R"({"id":[1,2]})", Model({{.name = "id", .type = DataType::kInt64, .dims = {-1}}}));
  ASSERT_TRUE(request);
  EXPECT_EQ(request->inputs.at(0).shape, (Shape{2}));
  EXPECT_EQ(request->id, "");
  EXPECT_THAT(ErrorOf(R"({"parameters":{}})",
                      Model({{.name = "parameters", .type = DataType::kInt64, .dims = {1}}})),
              HasSubstr("input 'parameters'"));
}

TEST(ParseGenerateRequest, BoundsWhatItReads) {
  const auto large = Parse(R"({"text_input":"hello"})", TextModel(), {.max_json_bytes = 10});
  ASSERT_FALSE(large);
  EXPECT_THAT(large.error().message(), HasSubstr("exceeds the maximum allowed input size of 10"));
  const ModelSpec doubles = Model({{.name = "x", .type = DataType::kFp64, .dims = {-1}}});
  const auto expanded = Parse(R"({"x":[1,2,3,4,5]})", doubles, {.max_json_bytes = 30});
  ASSERT_FALSE(expanded);
  EXPECT_THAT(expanded.error().message(), HasSubstr("too large once expanded"));
  const std::string deep(50'000, '[');
  EXPECT_THAT(ErrorOf(R"({"x":)" + deep + std::string(50'000, ']') + "}", doubles),
              HasSubstr("JSON nesting depth exceeds"));
  EXPECT_FALSE(Parse(R"({"foo":)" + deep, doubles));
}

Tensor Ints(std::string name, Shape shape, const std::vector<int32_t>& values) {
  return {.name = std::move(name),
          .type = DataType::kInt32,
          .shape = std::move(shape),
          .data = Blob::Copy(std::as_bytes(std::span(values)))};
}

Tensor Text(std::string name, std::string_view text) {
  return {.name = std::move(name),
          .type = DataType::kBytes,
          .shape = {1, 1},
          .data = Blob::FromVector(EncodeBytesElements({{text}}))};
}

TEST(EncodeGenerateResponse, MembersComeByNameAndOneElementIsNoList) {
  const auto body = EncodeGenerateResponse(
      {.model = "m",
       .version = "1",
       .id = "7",
       .parameters = {{"param0", std::string("an")}, {"param1", int64_t{42}}, {"p2", false}},
       .outputs = {Ints("z", {1}, {5}), Ints("OUT", {1, 2}, {1, 2}), Ints("none", {0}, {}),
                   Text("text_output", "a\"b\n")}});
  ASSERT_TRUE(body);
  EXPECT_EQ(*body,
            R"({"OUT":[1,2],"id":"7","model_name":"m","model_version":"1","none":[],"p2":false,)"
            R"("param0":"an","param1":42,"text_output":"a\"b\n","z":5})");
}

TEST(EncodeGenerateResponse, HalfACharacterDoesNotEndTheStream) {
  const auto body =
      EncodeGenerateResponse({.model = "m", .version = "1", .outputs = {Text("t", "a\xe2\x82")}});
  ASSERT_TRUE(body);
  EXPECT_THAT(*body, HasSubstr("\"t\":\"a\uFFFD"));
}

TEST(EncodeGenerateResponse, NamesTheOutputThatJsonCannotCarry) {
  const auto body = EncodeGenerateResponse(
      {.model = "m",
       .version = "1",
       .outputs = {
           {.name = "h", .type = DataType::kFp16, .shape = {1}, .data = Blob::FromString("xx")}}});
  ASSERT_FALSE(body);
  EXPECT_THAT(body.error().message(), HasSubstr("output 'h': FP16 cannot travel as JSON"));
}

TEST(ServerSentEvent, IsOneDataField) {
  EXPECT_EQ(ServerSentEvent(R"({"a":1})"), "data: {\"a\":1}\n\n");
}

}  // namespace
}  // namespace sarai::kserve
