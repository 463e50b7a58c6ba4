// The engine with a real framework: ONNX Runtime, where it was built, on small checked-in models.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <array>
#include <filesystem>
#include <thread>

#include "engine/testing/engine_fixture.h"

// ThreadSanitizer cannot see how a library synchronises that was not built for it.
extern "C" const char* __tsan_default_suppressions() {  // NOLINT(bugprone-reserved-identifier)
  return "race:libonnxruntime.so\n";
}

namespace sarai::engine {
namespace {

using testing::ElementsAre;

class OnnxRuntimeTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(std::string(kBackends) + "/libsarai_onnxruntime.so"))
      GTEST_SKIP() << "backend onnxruntime was not built";
  }

  // A model's folder with one of tests/data/onnx and the configuration.
  std::string MakeModel(const std::string& name, const std::string& onnx,
                        const std::string& config) {
    folder.Write(name + "/config.pbtxt", config);
    folder.MakeFolder(name + "/1");
    std::filesystem::copy_file(SARAI_ENGINE_TEST_DATA "/onnx/" + onnx,
                               folder.path(name + "/1/model.onnx"));
    return folder.path(name);
  }

  static RegistryOptions InAHost() {
    return {.backend_directory = kBackends,
            .host_executable = SARAI_BUILD_DIR "/bin/backend_host_test_main",
            .in_process = {}};
  }

  static constexpr char kBackends[] = SARAI_BUILD_DIR "/lib/sarai/backends";
  TestFolder folder;
  RealClock clock;
  BackendRegistry registry{{.backend_directory = kBackends}};
  Engine engine{{}, registry, clock};
  Answers answers;
};

TEST_F(OnnxRuntimeTest, LoadsWithoutAConfigurationAndBatchesRequests) {
  const auto model = engine.Load({.directory = MakeModel("sums", "sum_and_difference.onnx", "")});
  ASSERT_TRUE(model) << model.error().message();
  EXPECT_EQ(model->info().spec.backend, "onnxruntime");
  EXPECT_EQ(model->info().spec.max_batch_size, 4);
  EXPECT_TRUE(model->info().spec.batching.enabled);
  EXPECT_GT(model->info().memory_bytes, 0u);
  for (int i = 0; i < 20; ++i) {
    const auto value = static_cast<float>(i);
    engine.Infer(*model,
                 {.id = std::to_string(i),
                  .inputs = {Floats("right", {1, 4}, {value, value, value, value}),
                             Floats("left", {1, 4}, {1, 2, 3, 4})},
                  .outputs = {{.name = "sum"}}},
                 answers.Expect());
  }
  answers.WaitForAll();
  for (const auto& answer : answers.all()) {
    ASSERT_TRUE(answer) << answer.error().message();
    ASSERT_EQ(answer->outputs.size(), 1u);
    const float value = std::stof(answer->id);
    EXPECT_THAT(FloatsOf(answer->outputs[0]),
                ElementsAre(1 + value, 2 + value, 3 + value, 4 + value));
  }
}

TEST_F(OnnxRuntimeTest, WarmsUpAndUnloads) {
  const auto model = engine.Load({.directory = MakeModel("sums", "sum_and_difference.onnx", R"(
      max_batch_size: 128
      model_warmup { name: "bs128 Warmup" batch_size: 128
        inputs { key: "left" value { data_type: TYPE_FP32 dims: [ 4 ] random_data: true } }
        inputs { key: "right" value { data_type: TYPE_FP32 dims: [ 4 ] zero_data: false } } })")});
  ASSERT_TRUE(model) << model.error().message();
  Signal gone;
  engine.Unload(*model, [&] { gone.Set(); });
  gone.Wait();
}

TEST_F(OnnxRuntimeTest, SaysThatACorruptFileIsNoModel) {
  const std::string directory = MakeModel("sums", "sum_and_difference.onnx", "");
  folder.Write("sums/1/model.onnx", "this is no model");
  const auto model = engine.Load({.directory = directory});
  ASSERT_FALSE(model);
  EXPECT_EQ(model.error().code(), Code::kDataLoss);
  EXPECT_THAT(model.error().message(), testing::StartsWith("model 'sums': "));
}

TEST_F(OnnxRuntimeTest, CarriesStringsThroughABatch) {
  const auto model = engine.Load({.directory = MakeModel("texts", "identity_bytes.onnx", "")});
  ASSERT_TRUE(model) << model.error().message();
  const TensorSpec& input = model->info().spec.inputs.at(0);
  ASSERT_EQ(input.type, DataType::kBytes);
  const auto width = input.dims.empty() ? 1 : std::max<int64_t>(input.dims[0], 1);
  const std::vector<std::string_view> values(static_cast<size_t>(width), "grüße");
  for (int i = 0; i < 4; ++i)
    engine.Infer(*model, {.inputs = {Texts(input.name, {1, width}, values)}}, answers.Expect());
  answers.WaitForAll();
  for (const auto& answer : answers.all()) {
    ASSERT_TRUE(answer) << answer.error().message();
    EXPECT_THAT(TextsOf(answer->outputs[0]), testing::Each("grüße"));
  }
}

TEST_F(OnnxRuntimeTest, IsOpenedOnceForAllWhoAskAtTheSameTime) {
  BackendRegistry fresh({.backend_directory = kBackends});
  std::array<backends::Backend*, 4> got{};
  std::vector<std::thread> threads;
  for (backends::Backend*& backend : got)
    threads.emplace_back([&] { backend = fresh.Get("onnxruntime").value_or(nullptr); });
  for (std::thread& thread : threads) thread.join();
  EXPECT_NE(got[0], nullptr);
  EXPECT_THAT(got, testing::Each(got[0]));
  EXPECT_EQ(fresh.opened().size(), 1u);
}

// Sends one pair of numbers; the sum comes back.
Answers::Answer Add(Engine& engine, const ModelHandle& model) {
  Answers answers;
  engine.Infer(
      model,
      {.inputs = {Floats("left", {1, 4}, {1, 2, 3, 4}), Floats("right", {1, 4}, {1, 1, 1, 1})},
       .outputs = {{.name = "sum"}}},
      answers.Expect());
  return answers.Wait();
}

TEST_F(OnnxRuntimeTest, TheNextLoadHealsTheDeathOfAHost) {
  BackendRegistry hosts(InAHost());
  Engine isolated({}, hosts, clock);
  Signal lost;
  isolated.OnModelLost([&](const ModelHandle&, const Status&) { lost.Set(); });
  const std::string directory = MakeModel("sums", "sum_and_difference.onnx", "");
  const auto model = isolated.Load({.directory = directory});
  ASSERT_TRUE(model) << model.error().message();
  ASSERT_TRUE(Add(isolated, *model));
  const std::vector<int> processes = hosts.process_ids();
  ASSERT_EQ(processes.size(), 2u);
  kill(processes[1], SIGKILL);
  lost.Wait();
  EXPECT_FALSE(model->ready());
  const auto refused = Add(isolated, *model);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Code::kUnavailable);

  const auto again = isolated.Load({.directory = directory});
  ASSERT_TRUE(again) << again.error().message();
  const auto answer = Add(isolated, *again);
  ASSERT_TRUE(answer) << answer.error().message();
  EXPECT_THAT(FloatsOf(answer->outputs[0]), ElementsAre(2, 3, 4, 5));
}

}  // namespace
}  // namespace sarai::engine
