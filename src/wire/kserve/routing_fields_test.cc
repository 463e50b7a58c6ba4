#include "wire/kserve/routing_fields.h"

#include <gtest/gtest.h>

#include "wire/http/text_of.h"
#include "wire/kserve/grpc_codec.h"

namespace sarai::kserve {
namespace {

Blob Join(std::vector<Blob> parts) {
  return Blob::FromString(http::TextOf(http::Response{.body = std::move(parts)}));
}

struct JsonCase {
  const char* json;
  const char* id;
  bool ends;
};

TEST(SequenceOf, ReadsIdAndEndFromTheParameters) {
  const JsonCase cases[] = {
      {R"({"inputs":[]})", "", false},
      {R"({"parameters":{"sequence_id":7},"inputs":[]})", "7", false},
      {R"({"inputs":[],"parameters":{"sequence_end":true,"sequence_id":"a"}})", "a", true},
      {R"({"parameters":{"sequence_id":18446744073709551615}})", "18446744073709551615", false},
      {R"({"parameters":{"sequence_id":0}})", "", false},
      {R"({"parameters":{"sequence_id":[1]}})", "", false},
      {R"({"inputs":[{"name":"sequence_id"}]})", "", false},
      {R"({"parameters":{"sequence_id":7)", "", false},
  };
  for (const JsonCase& test : cases) {
    const SequenceUse use = SequenceOf(test.json);
    EXPECT_EQ(use.id, test.id) << test.json;
    EXPECT_EQ(use.ends, test.ends) << test.json;
  }
}

TEST(RoutingFields, AreReadFromARequestWithTensors) {
  InferRequest request{.model = "a/b.tar.gz", .id = "r1"};
  request.inputs.push_back(
      {.name = "x", .type = DataType::kUint8, .shape = {3}, .data = Blob::FromString("abc")});
  request.sequence = uint64_t{18446744073709551615u};
  request.sequence_end = true;
  request.parameters["other"] = std::string("sequence_id");
  const auto fields = grpc::ReadRoutingFields(Join(grpc::EncodeInferRequest(request)));
  ASSERT_TRUE(fields.has_value());
  EXPECT_EQ(fields->model, "a/b.tar.gz");
  EXPECT_EQ(fields->request_id, "r1");
  EXPECT_EQ(fields->sequence.id, "18446744073709551615");
  EXPECT_TRUE(fields->sequence.ends);
  request.sequence = std::string("s");
  EXPECT_EQ(grpc::ReadRoutingFields(Join(grpc::EncodeInferRequest(request)))->sequence.id, "s");
}

TEST(RoutingFields, OfBytesThatAreNoMessageAreAnError) {
  EXPECT_FALSE(grpc::ReadRoutingFields(Blob::FromString("\x0a\xff")).has_value());
}

TEST(IsFinalInStream, FollowsTheResponsesOwnWord) {
  for (const bool final : {true, false}) {
    const auto answer =
        grpc::EncodeInferResponse(InferResponse{.model = "m", .final = final}, {}, {}, true);
    ASSERT_TRUE(answer.has_value());
    EXPECT_EQ(grpc::IsFinalInStream(Join(*answer)), final);
    EXPECT_EQ(grpc::IsFinalInStream(Join(grpc::EncodeStreamError("no", "m", "1", final))), final);
  }
}

}  // namespace
}  // namespace sarai::kserve
