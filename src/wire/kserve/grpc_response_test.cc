// What we write, read by protobuf's own library.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "grpc_service.pb.h"
#include "wire/kserve/grpc_codec.h"

namespace sarai::kserve::grpc {
namespace {

using inference::ModelInferResponse;
using inference::ModelStreamInferResponse;
using testing::ElementsAre;
using testing::HasSubstr;

template <typename Message>
Message Read(const std::vector<Blob>& parts) {
  std::string bytes;
  for (const Blob& part : parts) bytes += part.text();
  Message message;
  EXPECT_TRUE(message.ParseFromString(bytes));
  EXPECT_TRUE(message.GetReflection()->GetUnknownFields(message).empty());
  return message;
}

InferResponse TwoOutputs() {
  InferResponse response{.model = "m", .version = "1", .id = "i"};
  response.outputs = {{.name = "y",
                       .type = DataType::kInt32,
                       .shape = {1, 2},
                       .data = Blob::FromString(std::string("\1\0\0\0\2\0\0\0", 8))},
                      {.name = "none", .type = DataType::kFp32, .shape = {0}}};
  response.parameters = {
      {"b", true}, {"d", 0.5}, {"i", int64_t{-1}}, {"s", "text"}, {"u", uint64_t{7}}};
  return response;
}

TEST(EncodeGrpcInferResponse, WritesEveryMember) {
  const auto parts = EncodeInferResponse(TwoOutputs(), {}, {}, false);
  ASSERT_TRUE(parts);
  const auto message = Read<ModelInferResponse>(*parts);
  EXPECT_EQ(message.model_name(), "m");
  EXPECT_EQ(message.model_version(), "1");
  EXPECT_EQ(message.id(), "i");
  ASSERT_EQ(message.outputs_size(), 2);
  EXPECT_EQ(message.outputs(0).name(), "y");
  EXPECT_EQ(message.outputs(0).datatype(), "INT32");
  EXPECT_THAT(message.outputs(0).shape(), ElementsAre(1, 2));
  EXPECT_THAT(message.outputs(1).shape(), ElementsAre(0));
  EXPECT_THAT(message.raw_output_contents(),
              ElementsAre(std::string("\1\0\0\0\2\0\0\0", 8), std::string()));
  EXPECT_TRUE(message.parameters().at("b").bool_param());
  EXPECT_EQ(message.parameters().at("d").double_param(), 0.5);
  EXPECT_EQ(message.parameters().at("i").int64_param(), -1);
  EXPECT_EQ(message.parameters().at("s").string_param(), "text");
  EXPECT_EQ(message.parameters().at("u").uint64_param(), 7u);
}

TEST(EncodeGrpcInferResponse, DoesNotCopyTensors) {
  const InferResponse response = TwoOutputs();
  const auto parts = EncodeInferResponse(response, {}, {}, true);
  ASSERT_TRUE(parts);
  EXPECT_TRUE(std::ranges::any_of(
      *parts, [&](const Blob& part) { return part.data() == response.outputs[0].data.data(); }));
}

TEST(EncodeGrpcInferResponse, IsWrappedAndMarkedInAStream) {
  for (const bool final : {false, true}) {
    InferResponse response = TwoOutputs();
    response.final = final;
    const auto parts = EncodeInferResponse(response, {}, {}, true);
    ASSERT_TRUE(parts);
    const auto message = Read<ModelStreamInferResponse>(*parts);
    EXPECT_EQ(message.error_message(), "");
    EXPECT_EQ(message.infer_response().raw_output_contents_size(), 2);
    EXPECT_EQ(message.infer_response().parameters().at("triton_final_response").bool_param(),
              final);
  }
}

TEST(EncodeGrpcInferResponse, NamesTheRegionOfAnOutputThatWentThere) {
  InferRequest request;
  request.outputs = {
      {.name = "y", .shared_memory = SharedMemoryUse{.region = "r", .offset = 4, .byte_size = 99}}};
  const auto parts = EncodeInferResponse(TwoOutputs(), request, {}, false);
  ASSERT_TRUE(parts);
  const auto message = Read<ModelInferResponse>(*parts);
  EXPECT_THAT(message.raw_output_contents(), ElementsAre("", ""));
  const auto& parameters = message.outputs(0).parameters();
  EXPECT_EQ(parameters.at("shared_memory_region").string_param(), "r");
  EXPECT_EQ(parameters.at("shared_memory_offset").int64_param(), 4);
  EXPECT_EQ(parameters.at("shared_memory_byte_size").int64_param(), 8);
}

TEST(EncodeGrpcInferResponse, ClassifiesWhatIsToBeClassified) {
  InferRequest request;
  request.outputs = {{.name = "y", .classification = 1}};
  InferResponse response = TwoOutputs();
  response.outputs.pop_back();
  const auto parts = EncodeInferResponse(response, request, {}, false);
  ASSERT_TRUE(parts);
  const auto message = Read<ModelInferResponse>(*parts);
  EXPECT_EQ(message.outputs(0).datatype(), "BYTES");
  EXPECT_EQ(message.raw_output_contents(0), std::string("\3\0\0\0"
                                                        "2:1",
                                                        7));
}

TEST(EncodeGrpcStreamError, TellsWhichRequestFailed) {
  const auto message = Read<ModelStreamInferResponse>(EncodeStreamError("no \xFF luck", "m", "i"));
  EXPECT_THAT(message.error_message(), HasSubstr("luck"));
  EXPECT_EQ(message.infer_response().id(), "i");
  EXPECT_EQ(message.infer_response().model_name(), "m");
  EXPECT_TRUE(message.infer_response().parameters().at("triton_final_response").bool_param());
}

std::string Joined(const std::vector<Blob>& parts) {
  std::string bytes;
  for (const Blob& part : parts) bytes += part.text();
  return bytes;
}

TEST(ParseGrpcInferResponse, ReadsWhatWeWrite) {
  const InferResponse sent = TwoOutputs();
  const auto got = ParseInferResponse(
      Blob::FromString(Joined(EncodeInferResponse(sent, {}, {}, false).value())));
  ASSERT_TRUE(got);
  EXPECT_EQ(got->model, "m");
  EXPECT_EQ(got->id, "i");
  EXPECT_EQ(got->parameters, sent.parameters);
  ASSERT_EQ(got->outputs.size(), 2u);
  EXPECT_EQ(got->outputs[0].data.text(), sent.outputs[0].data.text());
}

TEST(ParseGrpcInferResponse, ReadsEndAndErrorOfAStream) {
  InferResponse sent = TwoOutputs();
  sent.final = false;
  const auto first = ParseStreamResponse(
      Blob::FromString(Joined(EncodeInferResponse(sent, {}, {}, true).value())));
  ASSERT_TRUE(first);
  EXPECT_FALSE(first->final);
  EXPECT_EQ(first->outputs.at(0).data.text(), sent.outputs[0].data.text());
  const auto error =
      ParseStreamResponse(Blob::FromString(Joined(EncodeStreamError("bad luck", "m", "i"))));
  ASSERT_TRUE(error);
  EXPECT_EQ(error->error.message(), "bad luck");
  EXPECT_EQ(error->id, "i");
  EXPECT_TRUE(error->final);
}

}  // namespace
}  // namespace sarai::kserve::grpc
