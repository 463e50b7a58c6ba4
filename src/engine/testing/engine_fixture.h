// An engine over a FakeBackend, with a clock that stands still, and answers that can be waited for.
#pragma once

#include <gtest/gtest.h>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "engine/backend_registry.h"
#include "engine/engine.h"
#include "engine/testing/fake_backend.h"
#include "engine/testing/test_values.h"

namespace sarai::engine {

// Collects the answers of many requests, in the order in which they come.
class Answers {
 public:
  using Answer = Result<InferResponse>;

  InferResponder Expect();
  const Answer& Wait();  // for the next one not waited for yet
  void WaitForAll();     // for as many as were expected
  std::vector<Answer> all() const;
  size_t count() const { return all().size(); }

 private:
  mutable std::mutex mu_;
  std::condition_variable changed_;
  std::deque<Answer> answers_;  // references into it stay
  size_t expected_ = 0, waited_ = 0;
};

// Blocks one side until the other says so.
class Signal {
 public:
  void Set();
  void Wait();

 private:
  std::mutex mu_;
  std::condition_variable changed_;
  bool set_ = false;
};

class EngineTest : public testing::Test {
 protected:
  // Runs that a test holds must not hold the test.
  EngineTest() : EngineTest(EngineOptions{.lanes = 1, .run_here_median_max = Duration{0}}) {}
  explicit EngineTest(EngineOptions options);

  // A configuration of one FP32 input `x` and output `y`, both of dims [1], and `more`.
  static std::string Config(std::string_view more);
  // Writes the model's folder and loads it; fails the test if that fails.
  ModelHandle Load(const std::string& name, std::string_view more_config = "max_batch_size: 8");
  Result<ModelHandle> TryLoad(const std::string& name, const std::string& config);

  // A request of one item whose value is `value`.
  static InferRequest Request(float value, std::string id = "");
  void Send(const ModelHandle& model, float value, std::string id = "");
  void Send(const ModelHandle& model, InferRequest request);
  void UnloadAndWait(const ModelHandle& model);
  void MoveClock(Duration by);

  std::vector<std::string> RunNames() const;
  std::vector<int64_t> RunBatches() const;

  TestFolder folder;
  ManualClock clock;
  FakeBackend* fake = new FakeBackend;  // the registry's
  BackendRegistry registry{RegistryOptions{}};
  std::optional<Engine> engine;
  Answers answers;
};

}  // namespace sarai::engine
