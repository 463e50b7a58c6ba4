// The generate extension over the real core, with a model that answers as often as it is told.
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/testing/test_values.h"
#include "instance/testing/test_instance.h"

namespace sarai::instance {
namespace {

using testing::HasSubstr;
using Respond = engine::FakeBackend::Respond;

constexpr char kDecoupled[] = R"(
backend: "fake"
default_model_filename: "model.txt"
model_transaction_policy { decoupled: true }
input [ { name: "x" data_type: TYPE_FP32 dims: [ -1 ] } ]
output [ { name: "y" data_type: TYPE_FP32 dims: [ -1 ] } ]
)";

std::vector<Tensor> Y(float value) { return {engine::Floats("y", {1}, {value})}; }

class GenerationTest : public testing::Test {
 protected:
  GenerationTest() {
    at.options.source_url.clear();
    at.options.http_header_pattern = "^tenant$";
    at.PutRepositoryModel("one", 7);
    at.PutRepositoryModel("many", 7);
    std::ofstream(at.root.path("repository/many/config.pbtxt")) << kDecoupled;
    at.Open();
    // One response for each element of x, then the end alone; -1 is an error, -2 the last one.
    at.backend->SetStream([](const std::vector<Tensor>& inputs, const backends::ExecuteContext&,
                             Respond respond) -> Status {
      for (const float x : engine::FloatsOf(inputs.at(0))) {
        if (x == -2) {
          respond(Error(Code::kInternal, "it broke for good"), true);
          return {};
        }
        if (x == -1)
          respond(Error(Code::kInternal, "it broke"), false);
        else
          respond(Y(x), false);
      }
      respond(std::vector<Tensor>(), true);
      return {};
    });
  }

  Reply Generate(const std::string& model, const std::string& body,
                 const HeaderList& headers = {}) {
    return at.Call("POST", "/v2/models/" + model + "/generate", body, headers);
  }
  Reply Stream(const std::string& body, const std::string& model = "many") {
    return at.Call("POST", "/v2/models/" + model + "/generate_stream", body);
  }

  TestInstance at;
};

TEST_F(GenerationTest, OneResponseIsOneObject) {
  const Reply reply = Generate("one", R"({"x":0.5,"id":"a"})");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.header("Content-Type"), "application/json");
  EXPECT_EQ(reply.header("x-sarai-model-state"), "cold");
  EXPECT_EQ(reply.body, R"({"id":"a","model_name":"one","model_version":"1","y":7.0})");
  EXPECT_EQ(Generate("many", R"({"x":[3]})").body,
            R"({"model_name":"many","model_version":"1","y":3.0})");
}

TEST_F(GenerationTest, NotExactlyOneResponseIsAnError) {
  for (const char* const body : {R"({"x":[]})", R"({"x":[1,2,3]})", R"({"x":[1,-1]})"}) {
    const Reply reply = Generate("many", body);
    EXPECT_EQ(reply.status, 500) << body;
    EXPECT_THAT(reply.error(), HasSubstr("exactly 1 response, use generate stream"));
  }
  EXPECT_THAT(Generate("many", R"({"x":-1})").error(), HasSubstr("it broke"));
}

TEST_F(GenerationTest, EachResponseIsAnEvent) {
  const Reply reply = Stream(R"({"x":[1,2],"id":"q"})");
  ASSERT_NE(reply.stream, nullptr);
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.header("Content-Type"), "text/event-stream; charset=utf-8");
  EXPECT_EQ(ReadAll(*reply.stream),
            "data: {\"id\":\"q\",\"model_name\":\"many\",\"model_version\":\"1\",\"y\":1.0}\n\n"
            "data: {\"id\":\"q\",\"model_name\":\"many\",\"model_version\":\"1\",\"y\":2.0}\n\n");
  const Reply single = Stream(R"({"x":1})", "one");
  EXPECT_EQ(single.header("x-sarai-instance"), "test-1");
  EXPECT_EQ(ReadAll(*single.stream),
            "data: {\"model_name\":\"one\",\"model_version\":\"1\",\"y\":7.0}\n\n");
}

TEST_F(GenerationTest, AStreamMayHaveNoEvents) {
  const Reply reply = Stream(R"({"x":[]})");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(ReadAll(*reply.stream), "");
}

TEST_F(GenerationTest, TheFirstResponseDecidesTheStatusAndLaterErrorsAreEvents) {
  const Reply first = Stream(R"({"x":[-1,5]})");
  EXPECT_EQ(first.status, 500);
  EXPECT_EQ(first.header("Content-Type"), "text/event-stream; charset=utf-8");
  const std::string text = ReadAll(*first.stream);
  EXPECT_THAT(text, testing::StartsWith("data: {\"error\":\""));
  EXPECT_THAT(text, HasSubstr("\"y\":5.0"));

  const Reply later = Stream(R"({"x":[5,-1,6,-2]})");
  EXPECT_EQ(later.status, 200);
  const std::string all = ReadAll(*later.stream);
  EXPECT_THAT(all, testing::StartsWith("data: {\"model_name\""));
  EXPECT_THAT(all, HasSubstr("it broke\"}\n\n"));
  EXPECT_THAT(all, testing::EndsWith("it broke for good\"}\n\n"));
}

TEST_F(GenerationTest, WhatFailsBeforeTheModelRunsIsNoStream) {
  for (const auto& [model, body, status, error] :
       std::vector<std::tuple<std::string, std::string, int, std::string>>{
           {"nothing", "{}", 404, "nothing"},
           {"many/versions/9", "{}", 404, "'many' version 9 is not found"},
           {"many", "{", 400, "malformed"},
           {"many", R"({"x":"a"})", 400, "input 'x': element 0"},
           {"one", R"({"x":[1,2]})", 400, "input 'x': its 2 elements do not fill"}}) {
    const Reply reply = Stream(body, model);
    EXPECT_EQ(reply.status, status) << model << body;
    EXPECT_EQ(reply.stream, nullptr);
    EXPECT_EQ(reply.header("Content-Type"), "application/json");
    EXPECT_THAT(reply.error(), HasSubstr(error));
    EXPECT_EQ(Generate(model, body).error(), reply.error());
  }
  EXPECT_THAT(Stream("{}").error() + Generate("many", "{}").error(), HasSubstr("'x'"));
}

TEST_F(GenerationTest, AClientThatLeavesStopsTheModel) {
  std::promise<CancellationPtr> running;
  at.backend->SetStream([&running](const std::vector<Tensor>&,
                                   const backends::ExecuteContext& context, Respond respond) {
    respond(Y(1), false);
    std::promise<void> left;
    context.cancellation->OnCancel([&left] { left.set_value(); });
    left.get_future().wait();
    respond(Error(Code::kCancelled, "cancelled"), true);
    running.set_value(context.cancellation);
    return Status();
  });
  const Reply reply = Stream(R"({"x":1})");
  ASSERT_NE(reply.stream, nullptr);
  reply.stream->Abandon();
  EXPECT_TRUE(running.get_future().get()->cancelled());
}

TEST_F(GenerationTest, OtherMembersAndForwardedHeadersAreParameters) {
  ASSERT_EQ(Generate("one", R"({"x":1,"top_k":3,"parameters":{"a":true}})",
                     {{"tenant", "t1"}, {"other", "no"}})
                .status,
            200);
  EXPECT_EQ(at.backend->last_context().parameters,
            (Parameters{{"top_k", int64_t{3}}, {"a", true}, {"tenant", std::string("t1")}}));
  at.Call("POST", "/v2/models/one/infer", TestInstance::RequestBody(), {{"tenant", "t2"}});
  EXPECT_EQ(at.backend->last_context().parameters, (Parameters{{"tenant", std::string("t2")}}));
}

}  // namespace
}  // namespace sarai::instance
