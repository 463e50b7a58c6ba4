// The example backends, over the built libraries.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>

#include "backends/test_support.h"

namespace sarai::backends {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::MakeTensor;
using testing::Values;

// What a decoupled run responds, until its end.
class Responses {
 public:
  struct Response {
    Result<std::vector<Tensor>> outputs;
    bool final;
  };
  Respond Collect() {
    return [this](Result<std::vector<Tensor>> outputs, bool final) {
      std::lock_guard lock(mu_);
      all_.push_back({std::move(outputs), final});
      ended_ = final;
      changed_.notify_all();
    };
  }
  std::vector<Response> WaitForAll() {
    std::unique_lock lock(mu_);
    changed_.wait(lock, [this] { return ended_; });
    return all_;
  }
  void WaitForOne() {
    std::unique_lock lock(mu_);
    changed_.wait(lock, [this] { return !all_.empty(); });
  }

 private:
  std::mutex mu_;
  std::condition_variable changed_;
  std::vector<Response> all_;  // guarded by mu_
  bool ended_ = false;         // guarded by mu_
};

TensorSpec Spec(std::string name, DataType type, Shape dims, bool optional = false) {
  return {.name = std::move(name), .type = type, .dims = std::move(dims), .optional = optional};
}

ModelSpec RepeatSpec() {
  ModelSpec spec =
      testing::MakeSpec("",
                        {Spec("IN", DataType::kInt32, {-1}), Spec("DELAY", DataType::kUint32, {-1}),
                         Spec("WAIT", DataType::kUint32, {1})},
                        {Spec("OUT", DataType::kInt32, {1}), Spec("IDX", DataType::kUint32, {1})});
  spec.decoupled = true;
  return spec;
}

std::vector<Tensor> RepeatInputs(const std::vector<int32_t>& in, uint32_t delay_ms) {
  const Shape shape{static_cast<int64_t>(in.size())};
  return {MakeTensor("IN", DataType::kInt32, shape, in),
          MakeTensor("DELAY", DataType::kUint32, shape, std::vector(in.size(), delay_ms)),
          MakeTensor("WAIT", DataType::kUint32, {1}, std::vector<uint32_t>{0})};
}

ModelSpec SquareSpec(std::map<std::string, std::string> parameters = {}) {
  ModelSpec spec = testing::MakeSpec("", {Spec("IN", DataType::kInt32, {1})},
                                     {Spec("OUT", DataType::kInt32, {1})}, 8);
  spec.decoupled = true;
  spec.parameters = std::move(parameters);
  return spec;
}

Tensor SquareInput(int32_t n) {
  return MakeTensor("IN", DataType::kInt32, {1, 1}, std::vector<int32_t>{n});
}

TEST(IdentityBackend, AnswersEachInputUnderItsOutputsName) {
  const auto model = testing::LoadModel(
      testing::SharedBackend("identity"),
      testing::MakeSpec(
          "", {Spec("INPUT0", DataType::kFp32, {-1}), Spec("INPUT1", DataType::kInt64, {2}, true)},
          {Spec("OUTPUT0", DataType::kFp32, {-1}), Spec("OUTPUT1", DataType::kInt64, {2})}));
  ASSERT_NE(model, nullptr);
  const auto outputs = model->Execute({testing::Floats("INPUT0", {3}, {1, 2, 3})}, {});
  ASSERT_TRUE(outputs) << outputs.error().message();
  EXPECT_EQ((*outputs)[0].name, "OUTPUT0");
  EXPECT_THAT(Values<float>((*outputs)[0]), ElementsAre(1, 2, 3));
  EXPECT_THAT(Values<int64_t>((*outputs)[1]), ElementsAre(0, 0));  // it was left out
}

TEST(IdentityBackend, RefusesTensorsThatAreNoPairs) {
  auto model = testing::SharedBackend("identity")->Load({});
  ASSERT_TRUE(model);
  const Status status = (*model)->Prepare(testing::MakeSpec(
      "", {Spec("INPUT0", DataType::kFp32, {1})}, {Spec("OUTPUT1", DataType::kFp32, {1})}));
  EXPECT_THAT(status.message(), HasSubstr("output 'OUTPUT1' has no input of its index"));
}

TEST(RepeatBackend, SendsOneResponsePerElementAndThenTheEnd) {
  const auto model = testing::LoadModel(testing::SharedBackend("repeat"), RepeatSpec());
  ASSERT_NE(model, nullptr);
  Responses responses;
  ASSERT_TRUE(model->ExecuteDecoupled(RepeatInputs({4, 2}, 1), {}, responses.Collect()).ok());
  const auto all = responses.WaitForAll();
  ASSERT_EQ(all.size(), 3u);
  EXPECT_THAT(Values<int32_t>((*all[0].outputs)[0]), ElementsAre(4));
  EXPECT_THAT(Values<uint32_t>((*all[1].outputs)[1]), ElementsAre(1));
  EXPECT_TRUE(all[2].outputs->empty());
}

TEST(RepeatBackend, StopsWhenTheCallerLeaves) {
  const auto model = testing::LoadModel(testing::SharedBackend("repeat"), RepeatSpec());
  ASSERT_NE(model, nullptr);
  Responses responses;
  ExecuteContext context{.cancellation = std::make_shared<Cancellation>()};
  const std::vector<int32_t> many(1000, 1);
  ASSERT_TRUE(model->ExecuteDecoupled(RepeatInputs(many, 10), context, responses.Collect()).ok());
  responses.WaitForOne();
  context.cancellation->Cancel();
  const auto all = responses.WaitForAll();
  EXPECT_LT(all.size(), many.size());
  EXPECT_EQ(all.back().outputs.error().code(), Code::kCancelled);
}

TEST(SquareBackend, AnswersANumberThatManyTimes) {
  const auto model = testing::LoadModel(testing::SharedBackend("square"), SquareSpec());
  ASSERT_NE(model, nullptr);
  Responses responses;
  ASSERT_TRUE(model->ExecuteDecoupled({SquareInput(3)}, {}, responses.Collect()).ok());
  const auto all = responses.WaitForAll();
  ASSERT_EQ(all.size(), 4u);
  EXPECT_THAT(Values<int32_t>((*all[2].outputs)[0]), ElementsAre(3));
  EXPECT_THAT((*all[2].outputs)[0].shape, ElementsAre(1, 1));
}

TEST(SquareBackend, FailsAndLeavesOutWhatItsParametersSay) {
  const auto model =
      testing::LoadModel(testing::SharedBackend("square"),
                         SquareSpec({{"CUSTOM_FAIL_COUNT", "2"}, {"CUSTOM_EMPTY_COUNT", "1"}}));
  ASSERT_NE(model, nullptr);
  Responses responses;
  ASSERT_TRUE(model->ExecuteDecoupled({SquareInput(4)}, {}, responses.Collect()).ok());
  const auto all = responses.WaitForAll();
  ASSERT_EQ(all.size(), 4u);
  EXPECT_TRUE(all[0].outputs);
  EXPECT_FALSE(all[1].outputs);
  EXPECT_FALSE(all[2].outputs);
  EXPECT_TRUE(all[3].final);
}

}  // namespace
}  // namespace sarai::backends
