// KServe v2 over the real core and a scripted backend.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "instance/testing/test_instance.h"
#include "wire/http/content_encoding.h"

namespace sarai::instance {
namespace {

using testing::HasSubstr;

class KserveFrontTest : public testing::Test {
 protected:
  KserveFrontTest() {
    at.options.source_url.clear();
    at.PutRepositoryModel("alpha", 1);
    at.PutRepositoryModel("beta", 2);
    at.Open();
  }

  Reply Infer(const std::string& model) {
    return at.Call("POST", "/v2/models/" + model + "/infer", TestInstance::RequestBody());
  }
  Reply Load(const std::string& model, const std::string& body = "") {
    return at.Call("POST", "/v2/repository/models/" + model + "/load", body);
  }
  Reply Unload(const std::string& model) {
    return at.Call("POST", "/v2/repository/models/" + model + "/unload");
  }
  // "alpha= beta=READY": never loaded models have no state.
  std::string Index(const std::string& body = "") {
    std::string text;
    const auto rows = at.Call("POST", "/v2/repository/index", body).json();
    for (const auto& row : rows.as_array()) {
      const auto* state = row.as_object().if_contains("state");
      text += fmt::format("{}{}={}", text.empty() ? "" : " ",
                          std::string_view(row.at("name").as_string()),
                          state != nullptr ? std::string_view(state->as_string()) : "");
    }
    return text;
  }

  TestInstance at;
};

TEST_F(KserveFrontTest, IsLiveAndReady) {
  EXPECT_EQ(at.Call("GET", "/v2/health/live").status, 200);
  EXPECT_EQ(at.Call("GET", "/v2/health/ready").status, 200);
  EXPECT_EQ(at.Call("GET", "/v2").json().at("name").as_string(), "triton");
  at.core->BeginDrain();
  EXPECT_EQ(at.Call("GET", "/v2/health/ready").status, 503);
}

TEST_F(KserveFrontTest, LoadsTheModelThatARequestNeeds) {
  EXPECT_EQ(at.Call("GET", "/v2/models/alpha/ready").status, 200);  // a request would load it
  const Reply reply = Infer("alpha");
  ASSERT_EQ(reply.status, 200) << reply.body;
  EXPECT_EQ(reply.y(), 1);
  EXPECT_EQ(reply.json().at("model_name").as_string(), "alpha");
  EXPECT_EQ(reply.json().at("model_version").as_string(), "1");
  EXPECT_EQ(reply.header("x-sarai-model-state"), "cold");
  EXPECT_EQ(at.Call("GET", "/v2/models/alpha/ready").status, 200);
  EXPECT_EQ(at.Call("GET", "/v2/models/alpha/versions/1/ready").status, 200);
  EXPECT_EQ(at.Call("GET", "/v2/models/alpha/versions/2/ready").status, 400);
  EXPECT_EQ(at.Call("POST", "/v2/models/alpha/versions/1/infer", TestInstance::RequestBody()).y(),
            1);
}

TEST_F(KserveFrontTest, DescribesModelsThatWereNeverLoaded) {
  const auto metadata = at.Call("GET", "/v2/models/beta").json();
  EXPECT_EQ(metadata.at("name").as_string(), "beta");
  EXPECT_EQ(metadata.at("inputs").at(0).at("name").as_string(), "x");
  EXPECT_EQ(metadata.at("versions").at(0).as_string(), "1");
  EXPECT_EQ(at.Call("GET", "/v2/models/beta/config").json().at("backend").as_string(), "fake");
  EXPECT_EQ(at.backend->live_models(), 0);
  EXPECT_EQ(at.Call("GET", "/v2/models/beta/versions/7").status, 404);
}

TEST_F(KserveFrontTest, NamesTheModelThatIsNotThere) {
  const Reply reply = Infer("nothing");
  EXPECT_EQ(reply.status, 404);
  EXPECT_THAT(reply.error(), HasSubstr("nothing"));
  EXPECT_EQ(at.Call("GET", "/v2/models/nothing").status, 404);
  EXPECT_EQ(at.Call("GET", "/v2/nonsense").status, 404);
  EXPECT_EQ(at.Call("GET", "/v2/models/alpha/infer").status, 405);
}

TEST_F(KserveFrontTest, SendsBinaryTensorsWithTheJsonsLength) {
  const std::string json = R"({"inputs":[{"name":"x","datatype":"FP32","shape":[1],)"
                           R"("parameters":{"binary_data_size":4}}],)"
                           R"("parameters":{"binary_data_output":true}})";
  const Reply reply = at.Call("POST", "/v2/models/alpha/infer", json + std::string(4, '\0'),
                              {{"Inference-Header-Content-Length", std::to_string(json.size())}});
  ASSERT_EQ(reply.status, 200) << reply.body;
  EXPECT_EQ(reply.header("Content-Type"), "application/octet-stream");
  const size_t size = std::stoul(reply.header("Inference-Header-Content-Length"));
  EXPECT_EQ(reply.body.size(), size + 4);
  EXPECT_EQ(at.Call("POST", "/v2/models/alpha/infer", json,
                    {{"Inference-Header-Content-Length", "999999"}})
                .status,
            400);
}

TEST_F(KserveFrontTest, RefusesBadBodiesAndLivesOn) {
  for (const char* body : {"", "{", "[]", R"({"inputs":1})", "\xff\xfe"})
    EXPECT_EQ(at.Call("POST", "/v2/models/alpha/infer", body).status, 400) << body;
  EXPECT_EQ(
      at.Call("POST", "/v2/models/alpha/infer", "zipped", {{"Content-Encoding", "br"}}).status,
      501);
  EXPECT_EQ(Infer("alpha").y(), 1);
}

TEST_F(KserveFrontTest, AnExplicitUnloadHoldsUntilAnExplicitLoad) {
  EXPECT_EQ(Index(), "alpha= beta=");
  EXPECT_EQ(Load("alpha").status, 200);
  EXPECT_EQ(Index(), "alpha=READY beta=");
  EXPECT_EQ(Index(R"({"ready":true})"), "alpha=READY");
  EXPECT_EQ(Unload("alpha").status, 200);
  EXPECT_EQ(Index(), "alpha=UNAVAILABLE beta=");
  EXPECT_EQ(at.backend->live_models(), 0);
  const Reply refused = Infer("alpha");
  EXPECT_EQ(refused.status, 404);
  EXPECT_THAT(refused.error(), HasSubstr("has no available versions: it was unloaded"));
  EXPECT_EQ(Load("alpha").status, 200);
  EXPECT_EQ(Infer("alpha").y(), 1);
}

TEST_F(KserveFrontTest, AnExplicitLoadTakesEditedFiles) {
  EXPECT_EQ(Infer("alpha").y(), 1);
  at.PutRepositoryModel("alpha", 10);
  EXPECT_EQ(Load("alpha").status, 200);
  EXPECT_EQ(Infer("alpha").y(), 10);
  EXPECT_TRUE(Eventually([&] { return at.backend->live_models() == 1; }));
}

TEST_F(KserveFrontTest, ALoadThatFailsKeepsTheModelThatServes) {
  EXPECT_EQ(Infer("alpha").y(), 1);
  at.PutRepositoryModel("alpha", 10);
  at.backend->FailLoads(sarai::Status(Code::kDataLoss, "no model in this file"));
  const Reply failed = Load("alpha");
  EXPECT_GE(failed.status, 400);
  EXPECT_THAT(failed.error(), HasSubstr("no model in this file"));
  EXPECT_EQ(Infer("alpha").header("x-sarai-model-state"), "warm");
  at.backend->FailLoads({});
  EXPECT_EQ(Load("alpha").status, 200);
  EXPECT_EQ(Infer("alpha").y(), 10);
}

TEST_F(KserveFrontTest, LaysAGivenConfigurationOverTheModelsOwn) {
  EXPECT_EQ(
      Load("alpha", R"({"parameters":{"config":"{\"backend\":\"fake\",)"
                    R"(\"default_model_filename\":\"model.txt\",\"max_batch_size\":3,)"
                    R"(\"input\":[{\"name\":\"x\",\"data_type\":\"TYPE_FP32\",\"dims\":[1]}],)"
                    R"(\"output\":[{\"name\":\"y\",\"data_type\":\"TYPE_FP32\",\"dims\":[1]}]}"}})")
          .status,
      200);
  EXPECT_EQ(at.Call("GET", "/v2/models/alpha/config").json().at("max_batch_size").to_number<int>(),
            3);
  EXPECT_EQ(Load("alpha").status, 200);
  EXPECT_EQ(at.Call("GET", "/v2/models/alpha/config").json().at("max_batch_size").to_number<int>(),
            0);
}

TEST_F(KserveFrontTest, ShowsItsFiguresAsOpenMetricsWhereThatIsAskedFor) {
  Infer("alpha");
  const Reply reply =
      at.Call("GET", "/metrics", "", {{"Accept", "text/plain;q=0.1,application/openmetrics-text"}});
  EXPECT_THAT(reply.header("Content-Type"), HasSubstr("openmetrics"));
  EXPECT_THAT(reply.body, HasSubstr("# TYPE sarai_model_requests counter"));
  EXPECT_THAT(reply.body, HasSubstr("sarai_model_requests_total{model=\"alpha\"} 1"));
  EXPECT_THAT(reply.body, HasSubstr("# TYPE nv_inference_count unknown"));
  EXPECT_TRUE(reply.body.ends_with("# EOF\n"));
}

TEST_F(KserveFrontTest, ShowsItsFiguresAsTritonDoes) {
  Infer("alpha");
  at.Call("POST", "/v2/models/alpha/infer",
          R"({"inputs":[{"name":"no","datatype":"FP32","shape":[1],"data":[1]}]})");
  const Reply reply = at.Call("GET", "/metrics");
  EXPECT_THAT(reply.header("Content-Type"), HasSubstr("text/plain"));
  for (const char* const line :
       {"# TYPE nv_inference_request_success counter",
        "nv_inference_request_success{model=\"alpha\",version=\"1\"} 1\n",
        "nv_inference_request_failure{model=\"alpha\",version=\"1\",reason=\"BACKEND\"} 0\n",
        "nv_inference_exec_count{model=\"alpha\",version=\"1\"} 1\n",
        "nv_inference_queue_duration_us{model=\"alpha\",version=\"1\"} ",
        "nv_inference_pending_request_count{model=\"alpha\",version=\"1\"} 0\n",
        "nv_model_load_duration_secs{model=\"alpha\",version=\"1\"} ", "nv_cpu_utilization ",
        "sarai_model_cache_misses_total 1", "sarai_models{state=\"ready\"} 1"})
    EXPECT_THAT(reply.body, HasSubstr(line));
  EXPECT_THAT(reply.body, testing::Not(HasSubstr("# EOF")));
}

TEST_F(KserveFrontTest, CountsWhatIsAskedOfModels) {
  const auto stats = [this](const std::string& path) {
    return at.Call("GET", path).json().at("model_stats").as_array();
  };
  EXPECT_TRUE(stats("/v2/models/stats").empty());
  const auto cold = stats("/v2/models/beta/stats");  // known, never loaded
  EXPECT_EQ(cold.at(0).at("inference_count").as_int64(), 0);
  ASSERT_EQ(Infer("alpha").status, 200);
  ASSERT_EQ(Infer("alpha").status, 200);
  EXPECT_EQ(stats("/v2/models/stats").size(), 1u);
  const auto alpha = stats("/v2/models/alpha/versions/1/stats").at(0);
  EXPECT_EQ(alpha.at("inference_count").as_int64(), 2);
  EXPECT_EQ(alpha.at("inference_stats").at("success").at("count").as_int64(), 2);
  EXPECT_EQ(at.Call("GET", "/v2/models/alpha/versions/9/stats").status, 400);
  EXPECT_THAT(at.Call("GET", "/v2/models/nothing/stats").error(),
              HasSubstr("requested model 'nothing' is not available"));
}

TEST_F(KserveFrontTest, BodiesMayBeCompressedBothWays) {
  const auto zipped =
      http::Encode(http::ContentEncoding::kGzip, {Blob::FromString(TestInstance::RequestBody())});
  const Reply plain = at.Call("POST", "/v2/models/alpha/infer", std::string(zipped->text()),
                              {{"Content-Encoding", "gzip"}});
  EXPECT_EQ(plain.y(), 1);
  EXPECT_EQ(plain.header("Content-Encoding"), "");
  const Reply answer = at.Call("POST", "/v2/models/alpha/infer", TestInstance::RequestBody(),
                               {{"Accept-Encoding", "deflate"}});
  EXPECT_EQ(answer.header("Content-Encoding"), "deflate");
  const auto body =
      http::Decode(http::ContentEncoding::kDeflate, Blob::FromString(answer.body), 1 << 20);
  ASSERT_TRUE(body);
  EXPECT_THAT(std::string(body->text()), HasSubstr(R"("model_name":"alpha")"));
  const Reply bad =
      at.Call("POST", "/v2/models/alpha/infer", "not gzip", {{"Content-Encoding", "gzip"}});
  EXPECT_EQ(bad.status, 400);
  EXPECT_THAT(bad.error(), HasSubstr("the gzip body cannot be decompressed"));
  const Reply unknown = at.Call("POST", "/v2/models/alpha/infer", TestInstance::RequestBody(),
                                {{"Content-Encoding", "br"}});
  EXPECT_EQ(unknown.status, 501);
  EXPECT_EQ(unknown.header("Accept-Encoding"), "gzip, deflate");
}

TEST_F(KserveFrontTest, RegionsOfSharedMemoryAreRegisteredAndListed) {
  EXPECT_EQ(at.Call("GET", "/v2/systemsharedmemory/status").body, "[]");
  EXPECT_EQ(at.Call("GET", "/v2/cudasharedmemory/status").body, "[]");
  EXPECT_EQ(at.Call("GET", "/v2/systemsharedmemory/region/r/status").status, 404);
  const Reply missing = at.Call("POST", "/v2/systemsharedmemory/region/r/register",
                                R"({"key":"/sarai_no_such_object","byte_size":64})");
  EXPECT_THAT(missing.error(), HasSubstr("/sarai_no_such_object"));
  EXPECT_THAT(at.Call("POST", "/v2/systemsharedmemory/region/r/register", "{}").error(),
              HasSubstr("key"));
  EXPECT_EQ(at.Call("POST", "/v2/systemsharedmemory/unregister").status, 200);
  EXPECT_EQ(at.Call("POST", "/v2/systemsharedmemory/region/r/register/more").status, 404);
}

TEST_F(KserveFrontTest, AModelIsReadyAsLongAsNothingSpeaksAgainstLoadingIt) {
  const auto ready = [this](const std::string& name) {
    return at.Call("GET", "/v2/models/" + name + "/ready").status;
  };
  EXPECT_EQ(ready("alpha"), 200);
  EXPECT_EQ(at.backend->live_models(), 0);
  EXPECT_EQ(ready("nothing"), 400);
  EXPECT_EQ(at.Call("GET", "/v2/models/alpha/versions/9/ready").status, 400);
  ASSERT_EQ(Infer("alpha").status, 200);
  ASSERT_EQ(at.Call("POST", "/v2/repository/models/alpha/unload").status, 200);
  EXPECT_EQ(ready("alpha"), 400);
}

}  // namespace
}  // namespace sarai::instance
