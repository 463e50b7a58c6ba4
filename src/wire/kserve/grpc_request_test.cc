// ModelInferRequest as protobuf's own library writes it, read by hand.
#include <cstring>
#include <functional>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "grpc_service.pb.h"
#include "wire/kserve/grpc_codec.h"

namespace sarai::kserve::grpc {
namespace {

using inference::InferParameter;
using inference::ModelInferRequest;
using testing::ElementsAre;
using testing::HasSubstr;

Result<GrpcInferRequest> Parse(const ModelInferRequest& request, const ParseOptions& options = {}) {
  return ParseInferRequest(Blob::FromString(request.SerializeAsString()), options);
}

std::string ErrorOf(const Result<GrpcInferRequest>& request) {
  return request ? "parsed" : request.error().message();
}

ModelInferRequest::InferInputTensor& AddInput(ModelInferRequest& request, const std::string& name,
                                              const std::string& type,
                                              const std::vector<int64_t>& shape) {
  auto& input = *request.add_inputs();
  input.set_name(name);
  input.set_datatype(type);
  for (const int64_t dim : shape) input.add_shape(dim);
  return input;
}

ModelInferRequest OneInput(const std::string& type, const std::vector<int64_t>& shape,
                           const std::string& raw) {
  ModelInferRequest request;
  request.set_model_name("m");
  AddInput(request, "x", type, shape);
  request.add_raw_input_contents(raw);
  return request;
}

InferParameter Bool(bool value) {
  InferParameter parameter;
  parameter.set_bool_param(value);
  return parameter;
}
InferParameter Int(int64_t value) {
  InferParameter parameter;
  parameter.set_int64_param(value);
  return parameter;
}
InferParameter Unsigned(uint64_t value) {
  InferParameter parameter;
  parameter.set_uint64_param(value);
  return parameter;
}
InferParameter Text(const std::string& value) {
  InferParameter parameter;
  parameter.set_string_param(value);
  return parameter;
}
InferParameter Real(double value) {
  InferParameter parameter;
  parameter.set_double_param(value);
  return parameter;
}

template <typename T>
std::vector<T> Values(const Tensor& tensor) {
  std::vector<T> values(tensor.data.size() / sizeof(T));
  if (!values.empty()) std::memcpy(values.data(), tensor.data.data(), tensor.data.size());
  return values;
}

TEST(ParseGrpcInferRequest, NamesThatMeanSomethingOnlyOverHttpAreOrdinary) {
  ModelInferRequest request = OneInput("FP32", {1, 1}, std::string(4, '\0'));
  (*request.mutable_parameters())["headers"] = Text("h");
  (*request.mutable_parameters())["binary_data_output"] = Int(1);
  const auto parsed = Parse(request);
  ASSERT_EQ(ErrorOf(parsed), "parsed");
  EXPECT_EQ(parsed->request.parameters,
            (Parameters{{"headers", "h"}, {"binary_data_output", int64_t{1}}}));
}

TEST(ParseGrpcInferRequest, NumbersThatClientsHoldUnsignedComeAsSignedOnes) {
  ModelInferRequest request = OneInput("FP32", {1, 1}, std::string(4, '\0'));
  (*request.mutable_parameters())["sequence_id"] = Int(-1);
  (*request.mutable_parameters())["timeout"] = Int(-1);
  const auto parsed = Parse(request);
  ASSERT_EQ(ErrorOf(parsed), "parsed");
  EXPECT_EQ(parsed->request.sequence, CorrelationId(std::numeric_limits<uint64_t>::max()));
  EXPECT_GT(parsed->request.timeout, std::chrono::hours(24));
}

TEST(ParseGrpcInferRequest, ReadsEveryMember) {
  ModelInferRequest request = OneInput("FP32", {1, 1}, std::string(4, '\0'));
  request.set_model_version("3");
  request.set_id("r-1");
  auto& parameters = *request.mutable_parameters();
  parameters["priority"] = Unsigned(3);
  parameters["timeout"] = Int(250);
  parameters["sequence_id"] = Text("s");
  parameters["sequence_start"] = Bool(true);
  parameters["sequence_end"] = Bool(false);
  parameters["triton_enable_empty_final_response"] = Bool(true);
  parameters["temperature"] = Real(0.5);
  parameters["n"] = Int(-4);
  request.add_outputs()->set_name("y");
  auto& classes = *request.add_outputs();
  classes.set_name("z");
  (*classes.mutable_parameters())["classification"] = Int(3);

  const auto parsed = Parse(request);
  ASSERT_EQ(ErrorOf(parsed), "parsed");
  EXPECT_TRUE(parsed->wants_empty_final);
  const InferRequest& got = parsed->request;
  EXPECT_EQ(got.model, "m");
  EXPECT_EQ(got.version, "3");
  EXPECT_EQ(got.id, "r-1");
  EXPECT_EQ(got.priority, 3u);
  EXPECT_EQ(got.timeout, std::chrono::microseconds(250));
  EXPECT_EQ(got.sequence, CorrelationId("s"));
  EXPECT_TRUE(got.sequence_start);
  EXPECT_FALSE(got.sequence_end);
  EXPECT_EQ(got.parameters.size(), 2u);
  EXPECT_EQ(got.parameters.at("temperature"), Parameter(0.5));
  EXPECT_EQ(got.parameters.at("n"), Parameter(int64_t{-4}));
  ASSERT_EQ(got.outputs.size(), 2u);
  EXPECT_EQ(got.outputs[0].name, "y");
  EXPECT_EQ(got.outputs[1].classification, 3u);
}

TEST(ParseGrpcInferRequest, LeavesRawTensorsWhereTheyLieInTheMessage) {
  ModelInferRequest request = OneInput("INT32", {2}, std::string("\1\0\0\0\2\0\0\0", 8));
  AddInput(request, "empty", "FP16", {0, 7});
  request.add_raw_input_contents("");
  AddInput(request, "text", "BYTES", {1});
  request.add_raw_input_contents(std::string("\3\0\0\0a\0b", 7));
  const Blob message = Blob::FromString(request.SerializeAsString());
  const auto parsed = ParseInferRequest(message, {});
  ASSERT_EQ(ErrorOf(parsed), "parsed");
  ASSERT_EQ(parsed->request.inputs.size(), 3u);
  EXPECT_THAT(Values<int32_t>(parsed->request.inputs[0]), ElementsAre(1, 2));
  const std::byte* const data = parsed->request.inputs[0].data.data();
  EXPECT_TRUE(data > message.data() && data < message.data() + message.size());
  EXPECT_TRUE(parsed->request.inputs[1].data.empty());
  EXPECT_EQ(parsed->request.inputs[2].data.text(), std::string_view("\3\0\0\0a\0b", 7));
}

template <typename T, typename Add>
std::vector<T> Typed(const std::string& type, int64_t count, Add add) {
  ModelInferRequest request;
  add(*AddInput(request, "x", type, {count}).mutable_contents());
  const auto parsed = Parse(request);
  EXPECT_EQ(ErrorOf(parsed), "parsed") << type;
  return parsed ? Values<T>(parsed->request.inputs.at(0)) : std::vector<T>();
}

TEST(ParseGrpcInferRequest, ReadsContentsOfEveryType) {
  const auto ints = [](auto... values) {
    return [=](auto& contents) { (contents.add_int_contents(values), ...); };
  };
  const auto uints = [](auto... values) {
    return [=](auto& contents) { (contents.add_uint_contents(values), ...); };
  };
  EXPECT_THAT(Typed<uint8_t>("BOOL", 2,
                             [](auto& contents) {
                               contents.add_bool_contents(true);
                               contents.add_bool_contents(false);
                             }),
              ElementsAre(1, 0));
  EXPECT_THAT(Typed<int8_t>("INT8", 3, ints(-128, -1, 127)), ElementsAre(-128, -1, 127));
  EXPECT_THAT(Typed<int16_t>("INT16", 2, ints(-32768, 32767)), ElementsAre(-32768, 32767));
  EXPECT_THAT(Typed<int32_t>("INT32", 2, ints(INT32_MIN, 7)), ElementsAre(INT32_MIN, 7));
  EXPECT_THAT(Typed<uint8_t>("UINT8", 2, uints(255u, 0u)), ElementsAre(255, 0));
  EXPECT_THAT(Typed<uint16_t>("UINT16", 1, uints(65535u)), ElementsAre(65535));
  EXPECT_THAT(Typed<uint32_t>("UINT32", 1, uints(UINT32_MAX)), ElementsAre(UINT32_MAX));
  EXPECT_THAT(Typed<int64_t>("INT64", 1, [](auto& c) { c.add_int64_contents(INT64_MIN); }),
              ElementsAre(INT64_MIN));
  EXPECT_THAT(Typed<uint64_t>("UINT64", 1, [](auto& c) { c.add_uint64_contents(UINT64_MAX); }),
              ElementsAre(UINT64_MAX));
  EXPECT_THAT(Typed<float>("FP32", 2,
                           [](auto& contents) {
                             contents.add_fp32_contents(1.5f);
                             contents.add_fp32_contents(-2);
                           }),
              ElementsAre(1.5f, -2.0f));
  EXPECT_THAT(Typed<double>("FP64", 1, [](auto& c) { c.add_fp64_contents(0.1); }),
              ElementsAre(0.1));
  const auto text = Typed<char>("BYTES", 2, [](auto& contents) {
    contents.add_bytes_contents(std::string("a\0b", 3));
    contents.add_bytes_contents("");
  });
  EXPECT_EQ(std::string(text.begin(), text.end()), std::string("\3\0\0\0a\0b\0\0\0\0", 11));
}

// Numbers that are not packed are valid protobuf too.
TEST(ParseGrpcInferRequest, ReadsContentsThatAreNotPacked) {
  std::string fp32;
  fp32 += "\x35";  // field 6, four bytes
  fp32 += std::string("\0\0\x80\x3F", 4);
  std::string input = "\x0A\x01x\x12\x04";
  input += "FP32";
  input += "\x18\x01";  // shape, not packed
  input += "\x2A";
  input += static_cast<char>(fp32.size());
  input += fp32;
  std::string message = "\x2A";
  message += static_cast<char>(input.size());
  message += input;
  const auto parsed = ParseInferRequest(Blob::FromString(message), {});
  ASSERT_EQ(ErrorOf(parsed), "parsed");
  EXPECT_THAT(parsed->request.inputs.at(0).shape, ElementsAre(1));
  EXPECT_THAT(Values<float>(parsed->request.inputs[0]), ElementsAre(1.0f));
}

TEST(ParseGrpcInferRequest, GivesRawContentsToTheInputsOutsideSharedMemory) {
  ModelInferRequest request;
  auto& shared = *AddInput(request, "far", "FP32", {4}).mutable_parameters();
  shared["shared_memory_region"] = Text("r");
  shared["shared_memory_byte_size"] = Int(16);
  shared["shared_memory_offset"] = Int(8);
  AddInput(request, "near", "UINT8", {2});
  request.add_raw_input_contents("ab");
  auto& output = *request.add_outputs();
  output.set_name("y");
  (*output.mutable_parameters())["shared_memory_region"] = Text("out");
  (*output.mutable_parameters())["shared_memory_byte_size"] = Int(64);
  const auto parsed = Parse(request);
  ASSERT_EQ(ErrorOf(parsed), "parsed");
  const SharedMemoryUse& use = parsed->request.shared_inputs.at("far");
  EXPECT_EQ(use.region, "r");
  EXPECT_EQ(use.offset, 8u);
  EXPECT_EQ(use.byte_size, 16u);
  EXPECT_EQ(parsed->request.inputs.at(1).data.text(), "ab");
  ASSERT_TRUE(parsed->request.outputs.at(0).shared_memory);
  EXPECT_EQ(parsed->request.outputs[0].shared_memory->byte_size, 64u);
}

struct BadInput {
  const char* what;
  std::function<void(ModelInferRequest&)> spoil;
  std::vector<std::string> said;  // all of them
};

// Each begins as one good FP32 input "x" of shape [1,2].
TEST(ParseGrpcInferRequest, NamesWhatIsWrong) {
  const auto input = [](ModelInferRequest& request) -> auto& { return *request.mutable_inputs(0); };
  const auto parameter = [](ModelInferRequest& request, const char* key, InferParameter value) {
    (*request.mutable_parameters())[key] = std::move(value);
  };
  const auto output = [](ModelInferRequest& request, const char* key, InferParameter value) {
    request.add_outputs()->set_name("y");
    (*request.mutable_outputs(0)->mutable_parameters())[key] = std::move(value);
  };
  const BadInput table[] = {
      {"too few bytes",
       [](auto& r) { r.set_raw_input_contents(0, "1234"); },
       {"'x'", "4 bytes", "[1,2] needs 8"}},
      {"no data",
       [](auto& r) { r.clear_raw_input_contents(); },
       {"find data for input tensor 'x' for model 'm'"}},
      {"type", [&](auto& r) { input(r).set_datatype("FP31"); }, {"'x'", "'FP31'"}},
      {"no type", [&](auto& r) { input(r).clear_datatype(); }, {"'x'", "datatype"}},
      {"no name", [&](auto& r) { input(r).clear_name(); }, {"inputs[0]", "'name'"}},
      {"negative", [&](auto& r) { input(r).set_shape(0, -1); }, {"'x'", "negative"}},
      {"overflow",
       [&](auto& r) {
         input(r).set_shape(0, INT64_MAX);
         input(r).set_shape(1, INT64_MAX);
       },
       {"'x'", "too many"}},
      {"rank", [&](auto& r) { input(r).mutable_shape()->Resize(65, 1); }, {"'x'", "64"}},
      {"twice", [&](auto& r) { AddInput(r, "x", "FP32", {0}); }, {"input 'x' already exists"}},
      {"mixed",
       [&](auto& r) { input(r).mutable_contents()->add_fp32_contents(1); },
       {"contents field must not be specified", "raw_input_contents for 'x' for model 'm'"}},
      {"other list",
       [&](auto& r) {
         r.clear_raw_input_contents();
         input(r).mutable_contents()->add_int_contents(1);
       },
       {"'x'", "fp32_contents"}},
      {"FP16 as numbers",
       [&](auto& r) {
         r.clear_raw_input_contents();
         input(r).set_datatype("FP16");
         input(r).mutable_contents()->add_fp32_contents(1);
       },
       {"'x'", "FP16", "raw_input_contents"}},
      {"fewer raw than inputs",
       [](auto& r) { AddInput(r, "z", "FP32", {1}); },
       {"find data for input tensor 'z' for model 'm'"}},
      {"more raw than inputs",
       [](auto& r) { r.add_raw_input_contents("1"); },
       {"2 raw_input_contents", "1 inputs"}},
      {"strings that do not add up",
       [&](auto& r) {
         input(r).set_datatype("BYTES");
         r.set_raw_input_contents(0, std::string("\xFF\xFF\xFF\x7F", 4));
       },
       {"'x'", "element 0"}},
      {"region without size",
       [&](auto& r) { (*input(r).mutable_parameters())["shared_memory_region"] = Text("r"); },
       {"'x'", "shared_memory_byte_size"}},
      {"size without region",
       [&](auto& r) { (*input(r).mutable_parameters())["shared_memory_byte_size"] = Int(1); },
       {"'x'", "shared_memory_region"}},
      {"region of another type",
       [&](auto& r) { (*input(r).mutable_parameters())["shared_memory_region"] = Int(1); },
       {"'x'", "shared_memory_region", "string_param"}},
      {"negative offset",
       [&](auto& r) { (*input(r).mutable_parameters())["shared_memory_offset"] = Int(-1); },
       {"'x'", "shared_memory_offset"}},
      {"classes",
       [&](auto& r) { output(r, "classification", Int(0)); },
       {"'y'", "classification", "expected > 0"}},
      {"classes type",
       [&](auto& r) { output(r, "classification", Text("3")); },
       {"'y'", "classification"}},
      {"output without name", [](auto& r) { r.add_outputs(); }, {"output ''", "'name'"}},
      {"output twice",
       [](auto& r) {
         r.add_outputs()->set_name("y");
         r.add_outputs()->set_name("y");
       },
       {"output 'y' already exists"}},
      {"version", [](auto& r) { r.set_model_version("newest"); }, {"'newest'", "version"}},
      {"version 0", [](auto& r) { r.set_model_version("0"); }, {"'0'", "version"}},
      {"priority", [&](auto& r) { parameter(r, "priority", Int(-1)); }, {"priority"}},
      {"timeout", [&](auto& r) { parameter(r, "timeout", Unsigned(1)); }, {"timeout", "int64"}},
      {"timeout type", [&](auto& r) { parameter(r, "timeout", Text("1")); }, {"timeout"}},
      {"sequence",
       [&](auto& r) { parameter(r, "sequence_id", Bool(true)); },
       {"int64_param or string_param"}},
      {"start",
       [&](auto& r) { parameter(r, "sequence_start", Int(1)); },
       {"'sequence_start'", "expected bool_param"}},
      {"reserved", [&](auto& r) { parameter(r, "triton_x", Int(1)); }, {"triton_x", "reserved"}},
      {"empty final",
       [&](auto& r) { parameter(r, "triton_enable_empty_final_response", Int(1)); },
       {"triton_enable_empty_final_response", "bool_param"}},
      {"no value", [&](auto& r) { parameter(r, "k", InferParameter()); }, {"'k'", "no value"}},
  };
  for (const BadInput& bad : table) {
    ModelInferRequest request = OneInput("FP32", {1, 2}, "12345678");
    bad.spoil(request);
    const auto parsed = Parse(request);
    ASSERT_FALSE(parsed) << bad.what;
    EXPECT_EQ(parsed.error().code(), Code::kInvalidArgument) << bad.what;
    for (const std::string& words : bad.said)
      EXPECT_THAT(parsed.error().message(), HasSubstr(words)) << bad.what;
  }
}

TEST(ParseGrpcInferRequest, IsBoundedByItsOptions) {
  ModelInferRequest request;
  for (const char* const name : {"a", "b", "c"}) AddInput(request, name, "FP32", {0});
  EXPECT_THAT(ErrorOf(Parse(request, {.max_tensors = 2})), HasSubstr("more than 2 inputs"));
  EXPECT_EQ(ErrorOf(Parse(request, {.max_tensors = 3})), "parsed");
  (*request.mutable_parameters())["k"] = Int(1);
  (*request.mutable_parameters())["l"] = Int(1);
  EXPECT_THAT(ErrorOf(Parse(request, {.max_parameters = 1})), HasSubstr("more than 1 parameters"));
}

TEST(ParseGrpcInferRequest, RefusesBytesThatAreNoMessage) {
  for (const char* const bytes : {"\xFF", "\x2A\x7F", "\x0B", "\x08"})
    EXPECT_THAT(ErrorOf(ParseInferRequest(Blob::FromString(bytes), {})),
                HasSubstr("not a valid protobuf message"));
}

TEST(ParseGrpcInferRequest, ReadsWhatOurClientWrites) {
  InferRequest sent{.model = "m", .version = "2", .id = "i"};
  sent.inputs = {
      {.name = "x", .type = DataType::kUint8, .shape = {3}, .data = Blob::FromString("abc")},
      {.name = "far", .type = DataType::kFp32, .shape = {1}}};
  sent.shared_inputs["far"] = {.region = "r", .offset = 4, .byte_size = 4};
  sent.outputs = {{.name = "y", .classification = 2}};
  sent.parameters["k"] = 0.25;
  sent.priority = 2;
  sent.timeout = std::chrono::milliseconds(3);
  sent.sequence = uint64_t{9};
  sent.sequence_end = true;
  std::string bytes;
  for (const Blob& part : EncodeInferRequest(sent)) bytes += part.text();
  const auto parsed = ParseInferRequest(Blob::FromString(bytes), {});
  ASSERT_EQ(ErrorOf(parsed), "parsed");
  const InferRequest& got = parsed->request;
  EXPECT_EQ(got.model, "m");
  EXPECT_EQ(got.inputs.at(0).data.text(), "abc");
  EXPECT_EQ(got.shared_inputs.at("far").offset, 4u);
  EXPECT_EQ(got.outputs.at(0).classification, 2u);
  EXPECT_EQ(got.parameters, sent.parameters);
  EXPECT_EQ(got.priority, 2u);
  EXPECT_EQ(got.timeout, std::chrono::milliseconds(3));
  EXPECT_EQ(got.sequence, sent.sequence);
  EXPECT_FALSE(got.sequence_start);
  EXPECT_TRUE(got.sequence_end);
}

}  // namespace
}  // namespace sarai::kserve::grpc
