// Control modes, load requests that bring their own configuration or files, several repositories;
// over the real core and a scripted backend.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include <boost/json/serialize.hpp>

#include "instance/testing/test_instance.h"

namespace sarai::instance {
namespace {

using policy::ControlMode;
using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

constexpr char kConfig[] = R"({"backend":"fake","default_model_filename":"model.txt",)"
                           R"("input":[{"name":"x","data_type":"TYPE_FP32","dims":[1]}],)"
                           R"("output":[{"name":"y","data_type":"TYPE_FP32","dims":[1]}]})";
constexpr char kUnknown[] = "Request for unknown model: ";

std::string Base64Encode(std::string_view text) {
  constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string encoded;
  for (size_t at = 0; at < text.size(); at += 3) {
    uint32_t bits = 0;
    for (size_t i = 0; i < 3; ++i)
      bits = bits << 8 | (at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0);
    for (size_t i = 0; i < 4; ++i)
      encoded += at + i <= text.size() ? kDigits[bits >> (18 - 6 * i) & 63] : '=';
  }
  return encoded;
}

class ControlModesTest : public testing::Test {
 protected:
  ControlModesTest() { at.options.source_url.clear(); }

  void OpenAs(ControlMode mode) {
    at.options.control_mode = mode;
    at.Open();
  }
  sarai::Status Start() {
    std::promise<sarai::Status> ended;
    at.core->Start([&ended](sarai::Status status) { ended.set_value(std::move(status)); });
    return ended.get_future().get();
  }
  Reply Infer(const std::string& model) {
    return at.Call("POST", "/v2/models/" + model + "/infer", TestInstance::RequestBody());
  }
  Reply Load(const std::string& model, const boost::json::object& parameters = {}) {
    return at.Call("POST", "/v2/repository/models/" + model + "/load",
                   boost::json::serialize(boost::json::object{{"parameters", parameters}}));
  }
  Reply Unload(const std::string& model, bool with_steps = false) {
    return at.Call("POST", "/v2/repository/models/" + model + "/unload",
                   with_steps ? R"({"parameters":{"unload_dependents":true}})" : "");
  }
  int ReadyStatus(const std::string& path = "/v2/health") {
    return at.Call("GET", path + "/ready").status;
  }
  // "name=state(reason) …"
  std::string Index() {
    std::string text;
    const boost::json::value index = at.Call("POST", "/v2/repository/index").json();
    for (const auto& entry : index.as_array()) {
      const auto member = [&entry](const char* name) {
        const auto* value = entry.as_object().if_contains(name);
        return value == nullptr ? std::string() : std::string(value->as_string());
      };
      text += (text.empty() ? "" : " ") + member("name") + "=" + member("state");
      if (!member("reason").empty()) text += "(" + member("reason") + ")";
    }
    return text;
  }
  void PutEnsemble(const std::string& name, const std::string& step) {
    at.root.Write("repository/" + name + "/config.pbtxt",
                  R"(platform: "ensemble" input [{name: "x" data_type: TYPE_FP32 dims: [1]}]
                     output [{name: "y" data_type: TYPE_FP32 dims: [1]}]
                     ensemble_scheduling { step [{ model_name: ")" +
                      step +
                      R"(" model_version: -1 input_map { key: "x" value: "x" }
                        output_map { key: "y" value: "y" } }] })");
    std::filesystem::create_directories(at.root.path("repository/" + name + "/1"));
  }

  TestInstance at;
};

TEST_F(ControlModesTest, ExplicitServesOnlyWhatWasLoaded) {
  at.PutRepositoryModel("a", 1);
  at.PutRepositoryModel("b", 2);
  at.options.load_at_start = {"a"};
  OpenAs(ControlMode::kExplicit);
  EXPECT_EQ(ReadyStatus(), 503);
  ASSERT_TRUE(Start().ok());
  EXPECT_EQ(ReadyStatus(), 200);
  EXPECT_EQ(Index(), "a=READY b=");
  EXPECT_EQ(Infer("a").y(), 1);
  EXPECT_EQ(Infer("b").error(), std::string(kUnknown) + "'b' is not found");
  EXPECT_EQ(at.Call("GET", "/v2/models/b").status, 404);
  EXPECT_EQ(ReadyStatus("/v2/models/b"), 400);
  EXPECT_EQ(Load("b").status, 200);
  EXPECT_EQ(Infer("b").y(), 2);
  EXPECT_EQ(Unload("a").status, 200);
  EXPECT_EQ(Infer("a").status, 404);
  EXPECT_EQ(Infer("a").error(), std::string(kUnknown) + "'a' has no available versions");
  EXPECT_EQ(Index(), "a=UNAVAILABLE(unloaded) b=READY");
  EXPECT_EQ(ReadyStatus(), 200);
}

TEST_F(ControlModesTest, NoneLoadsEverythingAndTakesNoCalls) {
  at.PutRepositoryModel("a", 1);
  at.PutRepositoryModel("b", 2);
  OpenAs(ControlMode::kNone);
  ASSERT_TRUE(Start().ok());
  EXPECT_EQ(Index(), "a=READY b=READY");
  for (const Reply& refused : {Load("a"), Unload("a")}) {
    EXPECT_EQ(refused.status, 503);
    EXPECT_THAT(refused.error(), HasSubstr("explicit model load / unload is not allowed"));
  }
  at.PutRepositoryModel("c", 3);
  EXPECT_EQ(Infer("c").status, 404);
}

TEST_F(ControlModesTest, AModelThatDoesNotLoadAtTheStartIsNamedAndKeepsTheServerUnready) {
  at.PutRepositoryModel("a", 1);
  at.root.Write("repository/bad/config.pbtxt", "no such field: 1");
  OpenAs(ControlMode::kNone);
  const sarai::Status started = Start();
  EXPECT_THAT(started.message(), AllOf(HasSubstr("failed to load all models"), HasSubstr("'bad'")));
  EXPECT_EQ(Infer("a").y(), 1);
  EXPECT_EQ(ReadyStatus(), 400);
  at.options.strict_readiness = false;
  OpenAs(ControlMode::kNone);
  EXPECT_FALSE(Start().ok());
  EXPECT_EQ(ReadyStatus(), 200);
}

TEST_F(ControlModesTest, PollFollowsTheRepository) {
  at.PutRepositoryModel("a", 1);
  at.PutRepositoryModel("b", 2);
  at.options.repository_poll_interval = std::chrono::milliseconds(1);
  OpenAs(ControlMode::kPoll);
  ASSERT_TRUE(Start().ok());
  EXPECT_EQ(Index(), "a=READY b=READY");
  EXPECT_EQ(Load("a").status, 503);
  at.PutRepositoryModel("a", 10);
  EXPECT_TRUE(Eventually([&] { return Infer("a").y() == 10; }));
  at.PutRepositoryModel("c", 3);
  EXPECT_TRUE(Eventually([&] { return Infer("c").y() == 3; }));
  std::filesystem::remove_all(at.root.path("repository/b"));
  EXPECT_TRUE(Eventually([&] { return Infer("b").status == 404; }));
  EXPECT_TRUE(Eventually([&] { return Index() == "a=READY c=READY"; }));
}

TEST_F(ControlModesTest, AReloadThatFailsWhilePollingKeepsTheOldVersion) {
  at.PutRepositoryModel("a", 1);
  at.options.repository_poll_interval = std::chrono::milliseconds(1);
  OpenAs(ControlMode::kPoll);
  ASSERT_TRUE(Start().ok());
  at.root.Write("repository/a/config.pbtxt", "no such field: 1");
  ASSERT_TRUE(Eventually([&] { return at.CountDecisions("a", "fail") > 0; }));
  EXPECT_EQ(Infer("a").y(), 1);
  at.PutRepositoryModel("a", 5);
  EXPECT_TRUE(Eventually([&] { return Infer("a").y() == 5; }));
}

TEST_F(ControlModesTest, OnDemandCanLoadSomeAtTheStart) {
  at.PutRepositoryModel("a", 1);
  at.PutRepositoryModel("b", 2);
  at.options.load_at_start = {"*"};
  OpenAs(ControlMode::kOnDemand);
  ASSERT_TRUE(Start().ok());
  EXPECT_EQ(Index(), "a=READY b=READY");
}

TEST_F(ControlModesTest, SaysInTritonsWordsWhyALoadFailed) {
  at.PutRepositoryModel("a", 1);
  OpenAs(ControlMode::kExplicit);
  ASSERT_TRUE(Start().ok());
  const Reply unknown = Load("nothing");
  EXPECT_EQ(unknown.status, 500);
  EXPECT_THAT(unknown.error(),
              StartsWith("failed to load 'nothing', failed to poll from model repository"));
  EXPECT_EQ(Unload("nothing").status, 200);
  EXPECT_EQ(Unload("a").status, 200);
  const Reply bad_config = Load("a", {{"config", "{nonsense"}});
  EXPECT_EQ(bad_config.status, 500);
  EXPECT_THAT(bad_config.error(), StartsWith("failed to load 'a', failed to poll"));
  at.backend->FailLoads(sarai::Status(Code::kDataLoss, "no model in this file"));
  const Reply broken = Load("a");
  EXPECT_EQ(broken.status, 400);
  EXPECT_THAT(broken.error(),
              AllOf(StartsWith("load failed for model 'a'"), HasSubstr("no model in this file")));
  EXPECT_EQ(ReadyStatus(), 400);
  EXPECT_THAT(Index(), HasSubstr("a=UNAVAILABLE("));
  EXPECT_EQ(Unload("a").status, 200);
  EXPECT_EQ(ReadyStatus(), 200);
  at.backend->FailLoads({});
  EXPECT_EQ(Load("a").status, 200);
  EXPECT_EQ(Infer("a").y(), 1);
}

TEST_F(ControlModesTest, FilesOfALoadStandForTheModelsFolderUntilTheNextLoad) {
  at.PutRepositoryModel("a", 1);
  for (const ControlMode mode : {ControlMode::kExplicit, ControlMode::kOnDemand}) {
    OpenAs(mode);
    EXPECT_EQ(Load("a").status, 200);
    const Reply loaded = Load("a", {{"config", kConfig}, {"file:7/model.txt", Base64Encode("70")}});
    EXPECT_EQ(loaded.status, 200) << loaded.body;
    const Reply reply = Infer("a");
    EXPECT_EQ(reply.y(), 70);
    EXPECT_EQ(reply.json().at("model_version").as_string(), "7");
    EXPECT_EQ(Load("a").status, 200);
    EXPECT_EQ(Infer("a").y(), 1);
  }
}

TEST_F(ControlModesTest, FilesOfALoadMayBeAModelThatIsInNoRepository) {
  OpenAs(ControlMode::kExplicit);
  const boost::json::object brought = {{"config", kConfig},
                                       {"file:1/model.txt", Base64Encode("9")}};
  EXPECT_EQ(Load("new", brought).status, 200);
  EXPECT_EQ(Infer("new").y(), 9);
  EXPECT_EQ(Index(), "new=READY");
  EXPECT_EQ(Unload("new").status, 200);
  EXPECT_EQ(Index(), "");
  EXPECT_EQ(Load("new").status, 500);
}

TEST_F(ControlModesTest, NamesTheFileThatCannotBe) {
  at.PutRepositoryModel("a", 1);
  OpenAs(ControlMode::kExplicit);
  EXPECT_EQ(Load("a").status, 200);
  const std::string file = Base64Encode("1");
  struct Case {
    boost::json::object parameters;
    const char* says;
  };
  const std::string long_name = "file:" + std::string(256, 'A');
  for (const Case& bad : std::vector<Case>{
           {{{"file:1/model.txt", file}}, "'config' must be specified for model file override"},
           {{{"config", kConfig}, {"file:../x", file}}, "'file:../x'"},
           {{{"config", kConfig}, {"file:1/../../x", file}}, "'file:1/../../x'"},
           {{{"config", kConfig}, {"file:", file}}, "'file:'"},
           {{{"config", kConfig}, {long_name, file}}, "AAA"}}) {
    const Reply reply = Load("a", bad.parameters);
    EXPECT_EQ(reply.status, 500) << bad.says;
    EXPECT_THAT(reply.error(),
                AllOf(StartsWith("failed to load 'a', failed to poll"), HasSubstr(bad.says)));
  }
  EXPECT_EQ(Infer("a").y(), 1);
}

TEST_F(ControlModesTest, AFailedOverrideLeavesTheModelAsItWas) {
  at.PutRepositoryModel("a", 1);
  OpenAs(ControlMode::kOnDemand);
  EXPECT_EQ(Infer("a").y(), 1);
  EXPECT_EQ(Load("a", {{"config", R"({"backend":"nosuch"})"}}).status, 400);
  EXPECT_EQ(Infer("a").header("x-sarai-model-state"), "warm");
  EXPECT_EQ(Unload("a").status, 200);
  EXPECT_EQ(Load("a", {{"config", R"({"backend":"nosuch"})"}}).status, 400);
  EXPECT_EQ(Infer("a").y(), 1);
}

TEST_F(ControlModesTest, LoadsOfOneModelFollowEachOther) {
  at.PutRepositoryModel("a", 1);
  OpenAs(ControlMode::kExplicit);
  std::vector<std::future<Reply>> replies;
  for (int i = 0; i < 8; ++i) {
    const boost::json::object brought = {{"config", kConfig},
                                         {"file:1/model.txt", Base64Encode(std::to_string(i))}};
    replies.push_back(
        at.Begin("POST", "/v2/repository/models/a/load",
                 boost::json::serialize(boost::json::object{{"parameters", brought}})));
  }
  for (auto& reply : replies) EXPECT_EQ(reply.get().status, 200);
  EXPECT_EQ(Infer("a").y(), 7);
}

TEST_F(ControlModesTest, AModelInTwoRepositoriesIsInNone) {
  at.PutRepositoryModel("a", 1);
  at.PutRepositoryModel("b", 2);
  std::filesystem::create_directories(at.root.path("second"));
  std::filesystem::copy(at.root.path("repository/b"), at.root.path("second/b"),
                        std::filesystem::copy_options::recursive);
  at.options.model_repositories.push_back(at.root.path("second"));
  OpenAs(ControlMode::kNone);
  ASSERT_TRUE(Start().ok());
  EXPECT_EQ(Index(), "a=READY b=UNAVAILABLE(model appears in two or more repositories)");
  EXPECT_THAT(Infer("b").error(), StartsWith(std::string(kUnknown) + "'b' is not found"));
  OpenAs(ControlMode::kExplicit);
  EXPECT_THAT(Load("b").error(), StartsWith("failed to load 'b', failed to poll"));
}

TEST_F(ControlModesTest, AnEnsembleIsLoadedAndUnloadedWithItsSteps) {
  at.PutRepositoryModel("a", 1);
  PutEnsemble("e", "a");
  OpenAs(ControlMode::kExplicit);
  EXPECT_EQ(Load("e").status, 200);
  EXPECT_EQ(Index(), "a=READY e=READY");
  EXPECT_EQ(Infer("e").y(), 1);
  EXPECT_EQ(Unload("e").status, 200);
  EXPECT_EQ(Index(), "a=READY e=UNAVAILABLE(unloaded)");
  EXPECT_EQ(Load("e").status, 200);
  EXPECT_EQ(Unload("e", /*with_steps=*/true).status, 200);
  EXPECT_EQ(Index(), "a=UNAVAILABLE(unloaded) e=UNAVAILABLE(unloaded)");
  EXPECT_EQ(Load("a").status, 200);
  EXPECT_EQ(Load("e").status, 200);
  EXPECT_EQ(Unload("e", /*with_steps=*/true).status, 200);
  EXPECT_EQ(Index(), "a=READY e=UNAVAILABLE(unloaded)");
}

TEST_F(ControlModesTest, AnEnsembleWhoseStepDoesNotLoadIsNotLoaded) {
  at.PutRepositoryModel("a", 1);
  PutEnsemble("e", "a");
  OpenAs(ControlMode::kExplicit);
  at.backend->FailLoads(sarai::Status(Code::kDataLoss, "no model in this file"));
  const Reply reply = Load("e");
  EXPECT_EQ(reply.status, 400);
  EXPECT_THAT(reply.error(), AllOf(HasSubstr("'e' depends on 'a'"), HasSubstr("no model in")));
  EXPECT_EQ(Infer("e").status, 404);
}

TEST_F(ControlModesTest, WhatIsMeantToBeLoadedIsNotEvicted) {
  constexpr uint64_t kModelBytes = 10 << 20;
  at.PutRepositoryModel("a", 1);
  at.PutRepositoryModel("b", 2);
  at.options.memory_budget_bytes = kModelBytes + kModelBytes / 2;
  OpenAs(ControlMode::kExplicit);
  at.backend->SetMemoryBytes(kModelBytes);
  EXPECT_EQ(Load("a").status, 200);
  const Reply refused = Load("b");
  EXPECT_NE(refused.status, 200);
  EXPECT_THAT(refused.error(), HasSubstr("the budget is"));
  EXPECT_EQ(Infer("a").header("x-sarai-model-state"), "warm");
}

}  // namespace
}  // namespace sarai::instance
