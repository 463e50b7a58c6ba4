// From folders and configurations to loaded models, and what goes wrong on the way.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/testing/engine_fixture.h"

namespace sarai::engine {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class LoadingTest : public EngineTest {};

TEST_F(LoadingTest, CompletesTheConfigurationFromTheModel) {
  fake->SetSignature({.inputs = {{"in", DataType::kFp32, {-1, 3}}},
                      .outputs = {{"out", DataType::kInt64, {-1, 1}}},
                      .first_dim_variable = true});
  fake->SetMemoryBytes(4096);
  const auto loaded = TryLoad("m", R"(backend: "fake")");
  ASSERT_TRUE(loaded) << loaded.error().message();
  const ModelInfo& info = loaded->info();
  EXPECT_EQ(info.spec.name, "m");
  EXPECT_GT(info.spec.max_batch_size, 0);
  EXPECT_TRUE(info.spec.batching.enabled);
  ASSERT_EQ(info.spec.inputs.size(), 1u);
  EXPECT_THAT(info.spec.inputs[0].dims, ElementsAre(3));
  EXPECT_EQ(info.spec.outputs[0].name, "out");
  EXPECT_THAT(info.versions, ElementsAre("1"));
  EXPECT_EQ(info.memory_bytes, 4096u);
  EXPECT_THAT(info.config_json, HasSubstr("\"in\""));
}

TEST_F(LoadingTest, TakesNameAndConfigurationFromTheOptions) {
  folder.Write("m/config.pbtxt", Config("max_batch_size: 8"));
  folder.MakeFolder("m/1");
  const auto loaded = engine->Load({.directory = folder.path("m"),
                                    .name = "resnet.tar.gz",
                                    .config_json = R"({"backend": "fake", "max_batch_size": 2,
      "input": [{"name": "x", "data_type": "TYPE_FP32", "dims": [1]}],
      "output": [{"name": "y", "data_type": "TYPE_FP32", "dims": [1]}]})"});
  ASSERT_TRUE(loaded) << loaded.error().message();
  EXPECT_EQ(loaded->info().spec.name, "resnet.tar.gz");
  EXPECT_EQ(loaded->info().spec.max_batch_size, 2);
}

TEST_F(LoadingTest, ServesTheVersionsThatThePolicyPicks) {
  for (const char* version : {"m/1", "m/2", "m/3"}) folder.MakeFolder(version);
  const auto loaded = TryLoad("m", Config("version_policy { latest { num_versions: 2 } }"));
  ASSERT_TRUE(loaded) << loaded.error().message();
  EXPECT_THAT(loaded->info().versions, ElementsAre("2", "3"));
  EXPECT_EQ(loaded->info().memory_bytes, 2 * 1024u);
  for (const char* version : {"", "2", "1"}) {
    InferRequest request{.version = version, .inputs = {Floats("x", {1}, {1})}};
    Send(*loaded, std::move(request));
  }
  answers.WaitForAll();
  std::vector<std::string> served;
  for (const auto& answer : answers.all()) served.push_back(answer ? answer->version : "none");
  EXPECT_THAT(served, testing::UnorderedElementsAre("3", "2", "none"));
  EXPECT_EQ(loaded->counters().requests, 2u);
  EXPECT_EQ(loaded->counters("2").requests, 1u);
  UnloadAndWait(*loaded);
  EXPECT_EQ(fake->live_models(), 0);
}

TEST_F(LoadingTest, LoadsAnArchivesFolderOneLevelDownAndAFlatOne) {
  folder.Write("unpacked/resnet/config.pbtxt", Config(""));
  folder.MakeFolder("unpacked/resnet/1");
  folder.Write("flat/config.pbtxt", Config(R"(default_model_filename: "weights.bin")"));
  folder.Write("flat/weights.bin", "w");
  std::vector<std::string> artifacts;
  fake->OnLoad([&](const ModelSpec& spec) { artifacts.push_back(spec.artifact); });
  const auto unpacked = engine->Load({.directory = folder.path("unpacked")});
  ASSERT_TRUE(unpacked) << unpacked.error().message();
  EXPECT_EQ(unpacked->info().spec.name, "resnet");
  const auto flat = engine->Load({.directory = folder.path("flat")});
  ASSERT_TRUE(flat) << flat.error().message();
  EXPECT_THAT(artifacts,
              ElementsAre(folder.path("unpacked/resnet/1"), folder.path("flat/weights.bin")));
}

TEST_F(LoadingTest, NamesModelAndReasonWhenAConfigurationIsWrong) {
  const std::vector<std::pair<std::string, std::string>> table = {
      {"backend: \"fake\" max_batch: 3", "config.pbtxt:1:"},
      {"backend: \"none\"", "no backend 'none'"},
      {"backend: \"../fake\"", "no backend '../fake'"},
      {Config(R"(default_model_filename: "absent.bin")"), "absent.bin' does not exist"},
      {Config(R"(default_model_filename: "../1/w")"), "must name a file inside the model's folder"},
      {Config("version_policy { specific { versions: [ 7 ] } }"), "[7]"},
  };
  for (const auto& [config, expected] : table) {
    const auto loaded = TryLoad("m", config);
    ASSERT_FALSE(loaded) << config;
    EXPECT_THAT(loaded.error().message(), testing::StartsWith("model 'm'"));
    EXPECT_THAT(loaded.error().message(), HasSubstr(expected));
  }
  EXPECT_EQ(engine->Load({.directory = folder.path("nowhere")}).error().code(), Code::kNotFound);
}

TEST_F(LoadingTest, InspectsWithoutAFramework) {
  folder.Write("m/config.pbtxt", Config(R"(max_batch_size: 8 version_policy { all {} })"));
  folder.MakeFolder("m/1");
  folder.MakeFolder("m/2");
  const auto info = InspectDirectory({.directory = folder.path("m")});
  ASSERT_TRUE(info) << info.error().message();
  EXPECT_EQ(info->spec.max_batch_size, 8);
  EXPECT_EQ(info->spec.inputs[0].name, "x");
  EXPECT_THAT(info->versions, ElementsAre("1", "2"));
  EXPECT_THAT(fake->runs(), IsEmpty());
  folder.Write("m/config.pbtxt", Config("max_batch_size: -1"));
  EXPECT_EQ(InspectDirectory({.directory = folder.path("m")}).error().code(),
            Code::kInvalidArgument);
}

TEST_F(LoadingTest, ReadsTheNamedConfigurationWhereTheModelHasIt) {
  folder.MakeFolder("m/1");
  folder.Write("m/config.pbtxt", Config("max_batch_size: 1"));
  folder.Write("m/configs/large.pbtxt", Config("max_batch_size: 64"));
  folder.Write("m/configs/broken.pbtxt", "max_batch: 1");
  const auto size = [&](const std::string& name) {
    const auto loaded = engine->Load({.directory = folder.path("m"), .config_name = name});
    return loaded ? std::to_string(loaded->info().spec.max_batch_size) : loaded.error().message();
  };
  EXPECT_EQ(size("large"), "64");
  EXPECT_EQ(size("absent"), "1");
  EXPECT_THAT(size("broken"), HasSubstr("configs/broken.pbtxt:1:"));
}

TEST_F(LoadingTest, AddsNothingToTheConfigurationWhereThatIsOff) {
  fake->SetSignature({.inputs = {{"in", DataType::kFp32, {-1, 3}}},
                      .outputs = {{"out", DataType::kInt64, {-1, 1}}},
                      .first_dim_variable = true});
  const auto load = [&](const std::string& config) {
    folder.MakeFolder("m/1");
    if (!config.empty()) folder.Write("m/config.pbtxt", config);
    const auto loaded = engine->Load({.directory = folder.path("m"), .auto_complete = false});
    return loaded ? "max_batch_size " + std::to_string(loaded->info().spec.max_batch_size)
                  : loaded.error().message();
  };
  EXPECT_THAT(load(""), HasSubstr("has no config.pbtxt, and auto-completion is off"));
  EXPECT_THAT(load(R"(backend: "fake" input { name: "in" data_type: TYPE_FP32 })"),
              HasSubstr("input 'in'"));
  EXPECT_EQ(load(R"(backend: "fake" input { name: "in" data_type: TYPE_FP32 dims: [-1, 3] }
                    output { name: "out" data_type: TYPE_INT64 dims: [-1, 1] })"),
            "max_batch_size 0");
}

TEST_F(LoadingTest, RefusesWhatNeedsNoModelToBeWrongBeforeAFrameworkLoadsIt) {
  bool opened = false;
  fake->OnLoad([&](const ModelSpec&) { opened = true; });
  const auto loaded = TryLoad("m", Config("instance_group { kind: KIND_GPU }"));
  ASSERT_FALSE(loaded);
  EXPECT_THAT(loaded.error().message(), HasSubstr("instance_group 'm_0': KIND_GPU needs a GPU"));
  EXPECT_FALSE(opened);
}

// --- warm-up -------------------------------------------------------------------------------------

class WarmupTest : public EngineTest {
 protected:
  WarmupTest() {
    fake->SetExecute(
        [this](const ModelSpec&, const std::vector<Tensor>& inputs) -> FakeBackend::Outputs {
          seen.push_back(inputs[0]);
          return std::vector{inputs[0]};
        });
  }
  Result<ModelHandle> LoadWith(const std::string& input, const std::string& sample = "") {
    return TryLoad("m", Config(fmt::format(R"(max_batch_size: 4 model_warmup {{
        name: "w" batch_size: 3 {} inputs {{ key: "x" value {{
        data_type: TYPE_FP32 dims: [ 1 ] {} }} }} }})",
                                           sample, input)));
  }

  std::vector<Tensor> seen;
};

TEST_F(WarmupTest, RunsZerosAsOftenAsAsked) {
  const auto loaded = LoadWith("zero_data: true", "count: 2");
  ASSERT_TRUE(loaded) << loaded.error().message();
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_THAT(seen[0].shape, ElementsAre(3, 1));
  EXPECT_THAT(FloatsOf(seen[1]), Each(0.0f));
}

TEST_F(WarmupTest, RunsTheSameRandomNumbersEveryTime) {
  ASSERT_TRUE(LoadWith("random_data: true"));
  ASSERT_TRUE(LoadWith("random_data: true"));
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_EQ(FloatsOf(seen[0]), FloatsOf(seen[1]));
  EXPECT_THAT(FloatsOf(seen[0]), Each(testing::AllOf(testing::Gt(0), testing::Lt(1))));
}

TEST_F(WarmupTest, RepeatsAFileOfOneItemOverTheBatchAndTakesAWholeBatchAsItIs) {
  const auto bytes = [](const std::vector<float>& values) {
    return std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
  };
  folder.Write("m/warmup/item", bytes({5}));
  folder.Write("m/warmup/batch", bytes({1, 2, 3}));
  ASSERT_TRUE(LoadWith(R"(input_data_file: "item")"));
  EXPECT_THAT(FloatsOf(seen[0]), ElementsAre(5, 5, 5));
  ASSERT_TRUE(LoadWith(R"(input_data_file: "batch")"));
  EXPECT_THAT(FloatsOf(seen[1]), ElementsAre(1, 2, 3));
}

TEST_F(WarmupTest, FailureFailsTheLoad) {
  folder.Write("m/warmup/short", "123");
  for (const char* input : {R"(input_data_file: "short")", R"(input_data_file: "absent")",
                            R"(input_data_file: "../config.pbtxt")"}) {
    const auto loaded = LoadWith(input);
    ASSERT_FALSE(loaded) << input;
    EXPECT_THAT(loaded.error().message(), testing::StartsWith("model 'm'"));
  }
  fake->SetExecute([](const ModelSpec&, const std::vector<Tensor>&) -> FakeBackend::Outputs {
    return Error(Code::kResourceExhausted, "out of memory");
  });
  const auto loaded = LoadWith("zero_data: true");
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().ToString(), "resource_exhausted: model 'm': warm-up 'w': out of memory");
  fake->WaitUntilNoneLive();
}

}  // namespace
}  // namespace sarai::engine
