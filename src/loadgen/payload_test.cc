#include "loadgen/payload.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "wire/kserve/grpc_codec.h"
#include "wire/kserve/kserve.h"

namespace sarai::loadgen {
namespace {

using testing::HasSubstr;

constexpr const char* kMetadata =
    R"({"name":"m","inputs":[{"name":"x","datatype":"FP32","shape":[-1,16]},)"
    R"({"name":"words","datatype":"BYTES","shape":["-1","2"]}],"outputs":[]})";

// What is made is read back by the server's own parser.
InferRequest Parsed(const HttpBody& body) {
  auto request = kserve::ParseInferRequest(body.body, body.json_size, {});
  EXPECT_TRUE(request) << request.error().message();
  return request ? *std::move(request) : InferRequest();
}

Blob Whole(const std::vector<Blob>& parts) {
  std::string text;
  for (const Blob& part : parts) text += part.text();
  return Blob::FromString(std::move(text));
}

InferRequest ReadGrpc(const std::vector<Blob>& parts) {
  auto parsed = kserve::grpc::ParseInferRequest(Whole(parts), {});
  EXPECT_TRUE(parsed) << parsed.error().message();
  return parsed ? std::move(parsed->request) : InferRequest();
}

TEST(Payload, IsMadeFromMetadataWithTheBatchAsked) {
  const auto signature = ParseSignature(kMetadata);
  ASSERT_TRUE(signature);
  for (const bool json : {false, true}) {
    const PayloadOptions options{.json = json, .batch = 3, .string_length = 5};
    const auto request = MakeRequest(*signature, options, 1);
    ASSERT_TRUE(request);
    const InferRequest read = Parsed(*EncodeHttp(*request, json));
    ASSERT_EQ(read.inputs.size(), 2u);
    EXPECT_EQ(read.inputs[0].shape, (Shape{3, 16}));
    EXPECT_EQ(read.inputs[0].data.text(), request->inputs[0].data.text());
    EXPECT_EQ(read.inputs[1].data.size(), 6u * (4 + 5));
    EXPECT_EQ(read.inputs[1].data.text(), request->inputs[1].data.text());
    EXPECT_EQ(read.binary_outputs, !json);
  }
}

TEST(Payload, EveryTypeMakesATensorOfTheRightSize) {
  for (int type = 1; type <= 14; ++type) {
    const Signature signature = {
        {.name = "x", .type = static_cast<DataType>(type), .dims = {2, 3}}};
    const auto request = MakeRequest(signature, {}, 1);
    ASSERT_TRUE(request) << type;
    EXPECT_TRUE(CheckTensorBytes(request->inputs[0]).ok()) << type;
    EXPECT_EQ(Parsed(*EncodeHttp(*request, false)).inputs.size(), 1u) << type;
  }
}

TEST(Payload, TheSameSeedMakesTheSameBytesAndZerosAreZeros) {
  const Signature signature = {{.name = "x", .type = DataType::kFp64, .dims = {8}}};
  const auto bytes = [&](uint64_t seed, bool zeros) {
    return std::string(MakeRequest(signature, {.zeros = zeros}, seed)->inputs[0].data.text());
  };
  EXPECT_EQ(bytes(1, false), bytes(1, false));
  EXPECT_NE(bytes(1, false), bytes(2, false));
  EXPECT_EQ(bytes(1, true), std::string(64, '\0'));
}

TEST(Payload, VariableDimensionsNeedAShape) {
  const Signature signature = {{.name = "image", .type = DataType::kFp32, .dims = {-1, 3, -1, -1}}};
  const auto missing = MakeRequest(signature, {}, 1);
  ASSERT_FALSE(missing);
  EXPECT_THAT(missing.error().message(), HasSubstr("--shape image:"));
  PayloadOptions options;
  options.inputs.insert(*ParseInputFlag("image:1,3,2,2"));
  EXPECT_EQ(MakeRequest(signature, options, 1)->inputs[0].shape, (Shape{1, 3, 2, 2}));
  options.inputs.insert(*ParseInputFlag("imagine:1"));
  EXPECT_THAT(MakeRequest(signature, options, 1).error().message(), HasSubstr("'imagine'"));
}

TEST(Payload, WithoutMetadataTheFlagsNeedTypes) {
  EXPECT_THAT(SignatureFromFlags({}).error().message(), HasSubstr("--shape NAME:TYPE"));
  PayloadOptions options;
  options.inputs.insert(*ParseInputFlag("x:1,16"));
  EXPECT_THAT(SignatureFromFlags(options).error().message(), HasSubstr("'x'"));
  options.inputs.clear();
  options.inputs.insert(*ParseInputFlag("a:b:INT64:1,16"));
  const auto signature = SignatureFromFlags(options);
  ASSERT_TRUE(signature);
  EXPECT_EQ((*signature)[0].name, "a:b");
  EXPECT_EQ((*signature)[0].type, DataType::kInt64);
}

TEST(Payload, BadShapesAreUsageErrors) {
  for (const char* const bad : {"", "x", ":1", "x:", "x:1,a", "x:-1", "x:FP32"})
    EXPECT_FALSE(ParseInputFlag(bad)) << bad;
}

TEST(Payload, AFileOverGrpcIsJsonOrAMessage) {
  const InferRequest request{.id = "r",
                             .inputs = {{.name = "x",
                                         .type = DataType::kFp32,
                                         .shape = {1},
                                         .data = Blob::FromString(std::string(4, 'a'))}}};
  const Blob json = Blob::FromString(
      R"( {"id":"r","inputs":[{"name":"x","datatype":"FP32","shape":[1],"data":[1.5]}]})");
  const auto from_json = EncodeGrpc(json);
  ASSERT_TRUE(from_json);
  EXPECT_EQ(ReadGrpc(*from_json).id, "r");
  EXPECT_EQ(ReadGrpc(*from_json).inputs.at(0).data.text(), std::string_view("\0\0\xc0\x3f", 4));
  InferRequest named = request;
  named.model = "other";
  const auto from_message = EncodeGrpc(Whole(kserve::grpc::EncodeInferRequest(named)));
  ASSERT_TRUE(from_message);
  EXPECT_EQ(ReadGrpc(*from_message).model, "");
  EXPECT_EQ(ReadGrpc(*from_message).inputs.at(0).data.text(), "aaaa");
  EXPECT_THAT(EncodeGrpc(Blob::FromString("no message")).error().message(), HasSubstr("--input"));
  EXPECT_THAT(EncodeGrpc(Blob::FromString(R"({"inputs":1})")).error().message(),
              HasSubstr("'inputs'"));
}

TEST(Payload, TooLargeATensorIsRefusedBeforeItIsMade) {
  const Signature signature = {{.name = "x", .type = DataType::kFp32, .dims = {1 << 20, 1 << 20}}};
  EXPECT_THAT(MakeRequest(signature, {}, 1).error().message(), HasSubstr("larger than"));
}

}  // namespace
}  // namespace sarai::loadgen
