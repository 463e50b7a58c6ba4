// The container contract, over the real core and a scripted backend.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "instance/testing/test_instance.h"
#include "wire/http/content_encoding.h"

namespace sarai::instance {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class MmeFrontTest : public testing::Test {
 protected:
  MmeFrontTest() { at.Open(); }

  Reply LoadLocal(const std::string& name, const std::string& path,
                  const HeaderList& headers = {}) {
    return at.Call("POST", "/models",
                   fmt::format(R"({{"model_name":"{}","url":"{}"}})", name, path), headers);
  }

  TestInstance at;
};

TEST_F(MmeFrontTest, PingsWhileALoadIsUnderWay) {
  at.PutArchive("a.tar.gz", 1);
  std::promise<void> go;
  std::shared_future<void> gate = go.get_future().share();
  at.backend->OnLoad([gate](const ModelSpec&) { gate.wait(); });
  auto answer = at.BeginInvoke("a.tar.gz");
  ASSERT_TRUE(Eventually([&] { return at.StateOf("a.tar.gz") == "loading"; }));
  EXPECT_EQ(at.Call("GET", "/ping").status, 200);
  go.set_value();
  EXPECT_EQ(answer.get().y(), 1);
}

TEST_F(MmeFrontTest, FetchesAndLoadsWhatTheTargetModelHeaderNames) {
  at.PutArchive("team/a model.tar.gz", 7);
  const Reply cold = at.Invoke("team/a model.tar.gz");
  ASSERT_EQ(cold.status, 200) << cold.body;
  EXPECT_EQ(cold.y(), 7);
  EXPECT_EQ(cold.json().at("id").as_string(), "r1");
  EXPECT_EQ(cold.json().at("model_name").as_string(), "team/a model.tar.gz");
  EXPECT_EQ(cold.header("x-sarai-model-state"), "cold");
  EXPECT_EQ(cold.header("x-sarai-instance"), "test-1");
  EXPECT_NE(cold.header("x-sarai-wait-ms"), "");
  EXPECT_NE(cold.header("x-sarai-load-ms"), "");
  EXPECT_EQ(at.Invoke("team/a model.tar.gz").header("x-sarai-model-state"), "warm");
}

TEST_F(MmeFrontTest, TakesTheUrlsNameWithoutTheHeader) {
  at.PutArchive("dir/b.tar.gz", 3);
  const Reply reply = at.Call("POST", "/models/dir%2Fb.tar.gz/invoke", TestInstance::RequestBody());
  EXPECT_EQ(reply.y(), 3) << reply.body;
}

TEST_F(MmeFrontTest, AnswersJsonUnderAnyContentType) {
  at.PutArchive("a.tar.gz", 1);
  for (const char* type : {"application/octet-stream", "text/csv", "application/json"}) {
    const Reply reply = at.Call("POST", "/models/a.tar.gz/invoke", TestInstance::RequestBody(),
                                {{"Content-Type", type}});
    EXPECT_EQ(reply.y(), 1) << reply.body;
    EXPECT_EQ(reply.header("Content-Type"), "application/json");
  }
}

TEST_F(MmeFrontTest, SpeaksTritonsBinaryTypeBothWays) {
  at.PutArchive("a.tar.gz", 2.5);
  const std::string json = R"({"inputs":[{"name":"x","datatype":"FP32","shape":[1],)"
                           R"("parameters":{"binary_data_size":4}}],)"
                           R"("outputs":[{"name":"y","parameters":{"binary_data":true}}]})";
  const std::string type = "application/vnd.sagemaker-triton.binary+json;json-header-size=";
  const Reply reply = at.Call("POST", "/models/a.tar.gz/invoke", json + std::string(4, '\0'),
                              {{"Content-Type", type + std::to_string(json.size())}});
  ASSERT_EQ(reply.status, 200) << reply.body;
  const std::string answer_type = reply.header("Content-Type");
  ASSERT_THAT(answer_type, HasSubstr(type));
  const size_t json_size = std::stoul(answer_type.substr(type.size()));
  ASSERT_EQ(reply.body.size(), json_size + 4);
  float y = 0;
  std::memcpy(&y, reply.body.data() + json_size, 4);
  EXPECT_EQ(y, 2.5f);
  for (const char* size : {"-1", "x", "99999999", "99999999999999999999"})
    EXPECT_EQ(
        at.Call("POST", "/models/a.tar.gz/invoke", json, {{"Content-Type", type + size}}).status,
        400);
}

TEST_F(MmeFrontTest, TakesCompressedBodies) {
  const std::string path = "/models/a.tar.gz/invoke";
  at.PutArchive("a.tar.gz", 5);
  at.Open();
  const auto zipped =
      http::Encode(http::ContentEncoding::kGzip, {Blob::FromString(TestInstance::RequestBody())});
  ASSERT_TRUE(zipped);
  EXPECT_EQ(at.Call("POST", path, std::string(zipped->text()), {{"Content-Encoding", "gzip"}}).y(),
            5);
  const Reply unknown =
      at.Call("POST", path, TestInstance::RequestBody(), {{"Content-Encoding", "br"}});
  EXPECT_GE(unknown.status, 400);
  EXPECT_THAT(unknown.error(), HasSubstr("'br' is unknown"));
}

TEST_F(MmeFrontTest, NamesTheUrlOfAMissingKey) {
  const Reply reply = at.Invoke("missing.tar.gz");
  EXPECT_EQ(reply.status, 404);
  EXPECT_THAT(reply.error(), HasSubstr("source/missing.tar.gz"));
  EXPECT_EQ(reply.header("x-sarai-error"), "not_found");
}

TEST_F(MmeFrontTest, RefusesNamesThatLeaveThePrefix) {
  for (const char* name : {"../secret.tar.gz", "a/../../b", "."})
    EXPECT_EQ(at.Invoke(name).status, 400) << name;
}

TEST_F(MmeFrontTest, LoadsListsAndUnloadsLocalModels) {
  EXPECT_EQ(at.Call("GET", "/models").body, R"({"models":[]})");
  EXPECT_EQ(at.Call("GET", "/models/h1").status, 404);
  EXPECT_EQ(at.Call("DELETE", "/models/h1").status, 404);
  for (int i = 1; i <= 3; ++i) {
    const std::string name = fmt::format("h{}", i);
    const Reply loaded = LoadLocal(name, at.PutLocalModel(name, i));
    ASSERT_EQ(loaded.status, 200) << loaded.body;
  }
  EXPECT_EQ(LoadLocal("h1", at.root.path("local/h1")).status, 409);
  const Reply one = at.Call("GET", "/models/h2");
  EXPECT_EQ(one.json().at("modelName").as_string(), "h2");
  EXPECT_EQ(one.json().at("modelUrl").as_string(), at.root.path("local/h2"));
  EXPECT_EQ(at.Call("POST", "/models/h2/invoke", TestInstance::RequestBody()).y(), 2);
  EXPECT_EQ(at.Call("DELETE", "/models/h2").status, 200);
  EXPECT_EQ(at.Call("GET", "/models/h2").status, 404);
  EXPECT_EQ(at.Call("POST", "/models/h2/invoke", TestInstance::RequestBody()).status, 404);
  EXPECT_EQ(LoadLocal("h2", at.root.path("local/h2")).status, 200);
}

TEST_F(MmeFrontTest, PagesTheListByLimitAndToken) {
  for (int i = 0; i < 5; ++i) {
    const std::string name = fmt::format("h{}", i);
    ASSERT_EQ(LoadLocal(name, at.PutLocalModel(name, i)).status, 200);
  }
  std::vector<std::string> names;
  std::string target = "/models?limit=2";
  int pages = 0;
  for (;; ++pages) {
    const auto page = at.Call("GET", target).json();
    for (const auto& model : page.at("models").as_array())
      names.emplace_back(model.at("modelName").as_string());
    const auto* token = page.as_object().if_contains("nextPageToken");
    if (token == nullptr) break;
    target = "/models?limit=2&next_page_token=" + std::string(token->as_string());
  }
  EXPECT_EQ(pages, 2);
  EXPECT_THAT(names, ElementsAre("h0", "h1", "h2", "h3", "h4"));
  EXPECT_EQ(at.Call("GET", "/models?limit=0").status, 400);
  EXPECT_EQ(at.Call("GET", "/models?next_page_token=zz").status, 400);
}

TEST_F(MmeFrontTest, RefusesAHeaderThatNamesAnotherThanTheLoadedModel) {
  const std::string path = at.PutLocalModel("h1", 4);
  ASSERT_EQ(LoadLocal("h1", path, {{"X-Amzn-SageMaker-Target-Model", "mine.tar.gz"}}).status, 200);
  const auto invoke = [&](const char* target) {
    return at.Call("POST", "/models/h1/invoke", TestInstance::RequestBody(),
                   {{"X-Amzn-SageMaker-Target-Model", target}});
  };
  EXPECT_EQ(invoke("mine.tar.gz").y(), 4);
  const Reply other = invoke("theirs.tar.gz");
  EXPECT_EQ(other.status, 400);
  EXPECT_THAT(other.error(), HasSubstr("theirs.tar.gz"));
}

TEST_F(MmeFrontTest, ForgetsALocalModelThatDoesNotLoad) {
  const Reply missing = LoadLocal("h1", at.root.path("local/none"));
  EXPECT_GE(missing.status, 400);
  EXPECT_NE(missing.status, 409);
  EXPECT_NE(missing.status, 507);
  EXPECT_EQ(LoadLocal("h1", at.PutLocalModel("h1", 1)).status, 200);
}

TEST_F(MmeFrontTest, SaysWhatIsWrongWithALoadRequest) {
  for (const char* body : {"", "{", "[]", R"({"model_name":"x"})", R"({"url":"/tmp"})"})
    EXPECT_EQ(at.Call("POST", "/models", body).status, 400) << body;
}

TEST(MmeFrontMemory, Answers507WhereALocalModelCannotFit) {
  TestInstance at;
  at.options.memory_budget_bytes = 25 << 20;
  at.Open();
  at.backend->SetMemoryBytes(10 << 20);
  std::vector<int> statuses;
  for (int i = 1; i <= 4; ++i) {
    const std::string name = fmt::format("h{}", i);
    const std::string path = at.PutLocalModel(name, i);
    at.root.Write("local/" + name + "/m/1/weights", std::string(9 << 20, 'w'));
    statuses.push_back(
        at.Call("POST", "/models", fmt::format(R"({{"model_name":"{}","url":"{}"}})", name, path))
            .status);
  }
  EXPECT_THAT(statuses, ElementsAre(200, 200, 507, 507));
  EXPECT_EQ(at.Call("POST", "/models/h1/invoke", TestInstance::RequestBody()).y(), 1);
  EXPECT_EQ(at.Call("DELETE", "/models/h1").status, 200);
  EXPECT_EQ(at.Call("POST", "/models",
                    fmt::format(R"({{"model_name":"h3","url":"{}"}})", at.root.path("local/h3")))
                .status,
            200);
}

TEST(MmeFrontQueue, Answers503WhereTheModelsQueueIsFull) {
  TestInstance at;
  at.PutArchive("a.tar.gz", 1);
  at.options.default_max_queue_size = 1;
  at.Open();
  ASSERT_EQ(at.Invoke("a.tar.gz").y(), 1);
  at.backend->Hold();
  auto running = at.BeginInvoke("a.tar.gz");
  at.backend->WaitUntilHeld(1);
  auto queued = at.BeginInvoke("a.tar.gz");
  const Reply refused = at.Invoke("a.tar.gz");
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.header("x-sarai-error"), "unavailable");
  at.backend->Release();
  EXPECT_EQ(running.get().y(), 1);
  EXPECT_EQ(queued.get().y(), 1);
}

TEST(MmeFrontSingleModel, ServesInvocationsOnceItIsLoaded) {
  TestInstance at;
  at.PutArchive("only.tar.gz", 5);
  at.options.source_url = "file://" + at.root.path("source/only.tar.gz");
  at.options.single_model = true;
  at.Open();
  std::promise<void> go;
  std::shared_future<void> gate = go.get_future().share();
  at.backend->OnLoad([gate](const ModelSpec&) { gate.wait(); });
  EXPECT_EQ(at.Call("GET", "/ping").status, 503);
  go.set_value();
  EXPECT_TRUE(Eventually([&] { return at.Call("GET", "/ping").status == 200; }));
  EXPECT_EQ(at.Call("POST", "/invocations", TestInstance::RequestBody()).y(), 5);
}

TEST(MmeFrontSingleModel, SaysAtPingWhyItsModelDoesNotLoad) {
  TestInstance at;
  at.options.source_url = "file://" + at.root.path("source/none.tar.gz");
  at.options.single_model = true;
  at.Open();
  EXPECT_TRUE(Eventually([&] {
    const Reply ping = at.Call("GET", "/ping");
    return ping.status == 503 && ping.error().find("none.tar.gz") != std::string::npos &&
           ping.error().find("no model data") != std::string::npos;
  }));
}

}  // namespace
}  // namespace sarai::instance
