#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/testing/fake_call.h"
#include "gateway/testing/gateway_fixture.h"
#include "wire/kserve/grpc_codec.h"
#include "wire/kserve/grpc_over_http.h"

namespace sarai::gateway {
namespace {

namespace codec = kserve::grpc;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr int kNotFound = 5, kInvalidArgument = 3, kUnimplemented = 12, kUnavailable = 14;

Blob Joined(const std::vector<Blob>& parts) {
  return Blob::FromString(http::TextOf({.body = parts}));
}
Blob Request(std::string model, std::string id = "", CorrelationId sequence = {}) {
  InferRequest request{.model = std::move(model), .id = std::move(id)};
  request.sequence = std::move(sequence);
  return Joined(codec::EncodeInferRequest(request));
}
Blob Answered(const std::string& model, bool final = true) {
  return Joined(*codec::EncodeInferResponse({.model = model, .final = final}, {}, {}, true));
}

GatewayOptions Options() {
  GatewayOptions options;
  options.kserve.grpc_restrictions = *kserve::RestrictedApis::Parse({"model-repository:Key=open"});
  options.kserve.max_stream_requests = 3;
  return options;
}

class GrpcFrontTest : public GatewayFixture {
 protected:
  GrpcFrontTest() : GatewayFixture(Options()) {}

  static std::shared_ptr<FakeCall> Call(std::string method) {
    return std::make_shared<FakeCall>("/inference.GRPCInferenceService/" + std::move(method));
  }
  std::shared_ptr<FakeCall> Unary(std::string method, Blob message) {
    auto call = Call(std::move(method));
    Run(call, std::move(message));
    return call;
  }
  void Run(const std::shared_ptr<FakeCall>& call, Blob message) {
    call->Send(std::move(message));
    gateway_.HandleGrpc(call);
    EXPECT_TRUE(call->finished);
  }
  // A stream whose requests wait at instance "a" until they are answered by hand.
  std::shared_ptr<FakeCall> Stream() {
    Publish({{"i-a", "a", true}});
    transport_.Complete("a", std::unexpected(net::SendError{Status(Code::kUnavailable, "")}));
    transport_.HoldPeer("a");
    auto call = Call("ModelStreamInfer");
    gateway_.HandleGrpc(call);
    return call;
  }
  static http::Response Framed(const std::vector<Blob>& messages) {
    http::Response response = codec::CarryFrames();
    for (const Blob& message : messages) {
      response.body.push_back(codec::FrameHead(message.size()));
      response.body.push_back(message);
    }
    response.body.push_back(codec::EndFrame(0, ""));
    return response;
  }
  std::vector<std::string> SentModels() const {
    std::vector<std::string> models;
    for (const auto& sent : Sent()) {
      const auto request = codec::ParseInferRequest(sent.request.body, {});
      models.push_back(request ? request->request.model + request->request.id : "?");
    }
    return models;
  }
};

TEST_F(GrpcFrontTest, CarriesAnInferenceAndItsAnswerAsBytes) {
  Serve("a", [](const http::Request& request) -> Answer {
    EXPECT_EQ(codec::ReadCarriedCall(request).method, "/inference.GRPCInferenceService/ModelInfer");
    EXPECT_EQ(codec::ReadCarriedCall(request).metadata.Get("mine"), "x");
    EXPECT_FALSE(codec::ReadCarriedCall(request).metadata.Has("sarai-endpoint"));
    codec::CarriedEnd end;
    end.trailing.Add("x-sarai-model-state", "cold");
    return codec::CarryAnswer(end, {Blob::FromString("ans"), Blob::FromString("wer")});
  });
  Publish({{"i-a", "a", true}});
  auto call = Call("ModelInfer");
  call->given_metadata.Add("sarai-endpoint", "e");
  call->given_metadata.Add("mine", "x");
  Run(call, Request("m.tar.gz"));
  EXPECT_TRUE(call->status.ok()) << call->status.message;
  EXPECT_THAT(call->written, ElementsAre("answer"));
  EXPECT_EQ(call->trailing.Get("x-sarai-model-state"), "cold");
  EXPECT_EQ(call->trailing.Get("x-sarai-instance"), "i-a");
  EXPECT_EQ(Metric("Invocations"), 1);
  EXPECT_EQ(Metric("ModelCacheHit"), 0);
}

TEST_F(GrpcFrontTest, HandsOnTheInstancesErrors) {
  Serve("a", [] { return codec::CarryAnswer({.code = kNotFound, .message = "no such"}, {}); });
  Publish({{"i-a", "a", true}});
  const auto call = Unary("ModelInfer", Request("m"));
  EXPECT_EQ(call->status.code, kNotFound);
  EXPECT_EQ(call->status.message, "no such");
  EXPECT_EQ(Metric("Invocation4XXErrors"), 1);
}

TEST_F(GrpcFrontTest, SaysWhichEndpointIsUnknownOrUnclear) {
  Publish({{"i-a", "a", true}});
  auto call = Call("ModelInfer");
  call->given_metadata.Add("sarai-endpoint", "other");
  Run(call, Request("m"));
  EXPECT_EQ(call->status.code, kNotFound);
  auto fleet = std::make_shared<FleetView>();
  AddEndpoint(*fleet, "e", {});
  AddEndpoint(*fleet, "f", {});
  gateway_.Publish(std::move(fleet));
  EXPECT_EQ(Unary("ModelInfer", Request("m"))->status.code, kInvalidArgument);
}

TEST_F(GrpcFrontTest, SendsOnceMoreWhenTheConnectionBrokeBeforeAnyByte) {
  int asked = 0;
  for (const char* address : {"a", "b"})
    Serve(address, [&asked]() -> Answer {
      if (++asked == 1)
        return std::unexpected(net::SendError{Status(Code::kUnavailable, "broken"), true});
      return codec::CarryAnswer({}, {});
    });
  Publish({{"i-a", "a", true}, {"i-b", "b", true}});
  EXPECT_TRUE(Unary("ModelInfer", Request("m"))->status.ok());
  EXPECT_EQ(asked, 2);
}

TEST_F(GrpcFrontTest, AnswersForTheEndpointWhatIsAskedOfTheServer) {
  Publish({{"i-a", "a", false}});
  EXPECT_EQ(Unary("ServerLive", {})->written[0], codec::EncodeFlag(true).text());
  EXPECT_EQ(Unary("ServerReady", {})->written[0], codec::EncodeFlag(false).text());
  EXPECT_EQ(Unary("RepositoryIndex", {})->status.code, kUnavailable);  // restricted
  auto index = Call("RepositoryIndex");
  index->given_metadata.Add("triton-grpc-protocol-key", "open");
  Serve("a", [] { return Text(200, R"([{"name":"x","state":"READY"}])"); });
  Publish({{"i-a", "a", true}});
  Run(index, {});
  EXPECT_EQ(index->written[0],
            codec::EncodeRepositoryIndex({{.name = "x", .state = "READY"}}).text());
  EXPECT_EQ(Unary("SystemSharedMemoryStatus", {})->status.code, kUnimplemented);
}

TEST_F(GrpcFrontTest, SumsTheStatisticsOfAllInstances) {
  const auto told = kserve::EncodeStatistics({{.name = "m", .inference_count = 2}});
  for (const char* address : {"a", "b"}) Serve(address, [told] { return Text(200, told); });
  Publish({{"i-a", "a", true}, {"i-b", "b", true}});
  EXPECT_EQ(Unary("ModelStatistics", {})->written[0],
            codec::EncodeStatistics({{.name = "m", .inference_count = 4}}).text());
}

TEST_F(GrpcFrontTest, AStreamsAnswersComeInTheOrderOfItsRequests) {
  const auto call = Stream();
  call->Send(Request("m", "1"));
  call->Send(Request("n", "2"));
  EXPECT_THAT(SentModels(), ElementsAre("m1", "n2"));
  // Both wait at the same instance; the simulation answers the oldest first.
  ASSERT_TRUE(transport_.Complete("a", Framed({Answered("m")})));
  EXPECT_THAT(call->written, ElementsAre(Answered("m").text()));
  ASSERT_TRUE(transport_.Complete("a", Framed({Answered("n")})));
  EXPECT_EQ(call->written.size(), 2u);
  call->SendNoMore();
  EXPECT_TRUE(call->finished);
  EXPECT_TRUE(call->status.ok());
}

TEST_F(GrpcFrontTest, AStreamsEarlyAnswerWaitsForThoseBeforeItUnlessItsModelIsDecoupled) {
  for (const bool decoupled : {false, true}) {
    const auto call = Stream();
    const auto stream = std::make_shared<ByteStream>();
    call->Send(Request("slow", "1"));
    http::Response head = codec::CarryFrames();
    head.stream = stream;
    ASSERT_TRUE(transport_.Complete("a", std::move(head)));  // its answer is still to come
    call->Send(Request("quick", "2"));
    ASSERT_TRUE(transport_.Complete("a", Framed({Answered("quick", !decoupled)})));
    EXPECT_EQ(call->written.size(), decoupled ? 1u : 0u);
    stream->Write(codec::FrameHead(Answered("slow").size()));
    stream->Write(Answered("slow"));
    stream->Write(codec::EndFrame(0, ""));
    stream->End();
    ASSERT_EQ(call->written.size(), 2u);
    EXPECT_EQ(call->written[decoupled ? 1 : 0], Answered("slow").text());
  }
}

TEST_F(GrpcFrontTest, AStreamSendsTheRequestsOfASequenceOneAfterTheOther) {
  const auto call = Stream();
  call->Send(Request("m", "1", uint64_t{7}));
  call->Send(Request("m", "2", uint64_t{7}));
  call->Send(Request("m", "3", uint64_t{8}));
  EXPECT_THAT(SentModels(), ElementsAre("m1", "m3"));
  ASSERT_TRUE(transport_.Complete("a", Framed({Answered("m")})));
  EXPECT_THAT(SentModels(), ElementsAre("m1", "m3", "m2"));
}

TEST_F(GrpcFrontTest, AStreamIsReadNoFurtherThanItsBound) {
  const auto call = Stream();
  for (int i = 0; i < 5; ++i) call->Send(Request("m", std::to_string(i)));
  EXPECT_EQ(Sent().size(), 3u);
  ASSERT_TRUE(transport_.Complete("a", Framed({Answered("m")})));
  EXPECT_EQ(Sent().size(), 4u);
}

TEST_F(GrpcFrontTest, AFailedRequestIsAnsweredInItsStream) {
  const auto call = Stream();
  call->Send(Request("m", "1"));
  call->Send(Blob::FromString("\x0a\xff"));
  ASSERT_TRUE(transport_.Complete("a", codec::CarryAnswer({.code = 3, .message = "bad"}, {})));
  ASSERT_EQ(call->written.size(), 2u);
  EXPECT_THAT(call->written[0], HasSubstr("bad"));
  EXPECT_THAT(call->written[1], HasSubstr("not a valid protobuf"));
  EXPECT_FALSE(call->finished);
}

TEST_F(GrpcFrontTest, AnAnswerThatBreaksOffIsAnError) {
  const auto call = Stream();
  call->Send(Request("m", "1"));
  http::Response head = codec::CarryFrames();
  const auto stream = head.stream = std::make_shared<ByteStream>();
  ASSERT_TRUE(transport_.Complete("a", std::move(head)));
  stream->End(Status(Code::kUnavailable, "connection reset"));
  ASSERT_EQ(call->written.size(), 1u);
  EXPECT_THAT(call->written[0], HasSubstr("broke off"));
}

TEST_F(GrpcFrontTest, ErrorsEndAStreamWhoseClientAsksForIt) {
  Publish({{"i-a", "a", true}});
  Serve("a", [] { return codec::CarryAnswer({.code = kNotFound, .message = "none"}, {}); });
  auto call = Call("ModelStreamInfer");
  call->given_metadata.Add("triton_grpc_error", "true");
  gateway_.HandleGrpc(call);
  call->Send(Request("m"));
  EXPECT_TRUE(call->finished);
  EXPECT_EQ(call->status.code, kNotFound);
}

TEST_F(GrpcFrontTest, DrainingEndsIdleStreams) {
  const auto idle = Stream();
  gateway_.BeginDrain();
  EXPECT_TRUE(idle->finished);
  EXPECT_EQ(idle->status.code, kUnavailable);
}

}  // namespace
}  // namespace sarai::gateway
