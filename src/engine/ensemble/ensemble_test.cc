// Ensembles over the engine's own models.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/testing/engine_fixture.h"

namespace sarai::engine {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::UnorderedElementsAre;

constexpr char kDecoupled[] = "max_batch_size: 8 model_transaction_policy { decoupled: true }";

// Steps are run by the fixture's engine, among the models that the test has loaded.
class EngineCaller final : public ModelCaller {
 public:
  void Call(InferRequest request, InferResponder respond) override {
    requests.push_back(request);
    const auto found = models.find(request.model);
    if (found == models.end()) return;  // dropped, as by a server that stops
    engine->Infer(found->second, std::move(request), std::move(respond));
  }
  Result<ModelInfo> Find(const std::string& name) const {
    const auto found = models.find(name);
    if (found == models.end()) return Error(Code::kNotFound, "no such model: '{}'", name);
    return found->second.info();
  }
  Engine* engine = nullptr;
  std::map<std::string, ModelHandle> models;
  std::vector<InferRequest> requests;
};

struct WithCaller {
  EngineCaller caller;
};

class EnsembleTest : private WithCaller, public EngineTest {
 protected:
  EnsembleTest()
      : EngineTest(EngineOptions{.lanes = 1,
                                 .run_here_median_max = Duration{0},
                                 .models = &this->WithCaller::caller,
                                 .find_model = [this](const std::string& name) {
                                   return this->WithCaller::caller.Find(name);
                                 }}) {
    calls().engine = &*engine;
  }
  ~EnsembleTest() override { engine.reset(); }
  EngineCaller& calls() { return this->WithCaller::caller; }

  void LoadMember(const std::string& name, std::string_view more = "max_batch_size: 8") {
    calls().models[name] = Load(name, more);
  }
  static std::string Step(std::string_view model, std::string_view from, std::string_view to) {
    return fmt::format(
        "step {{ model_name: '{}' model_version: -1 input_map {{ key: 'x' value: '{}' }} "
        "output_map {{ key: 'y' value: '{}' }} }} ",
        model, from, to);
  }
  static std::string Ensemble(std::string_view steps, std::string_view more = "") {
    return fmt::format(
        "platform: 'ensemble' max_batch_size: 8 input [ {{ name: 'x' data_type: TYPE_FP32 dims: "
        "[1] }} ] output [ {{ name: 'y' data_type: TYPE_FP32 dims: [1] }} ] {} "
        "ensemble_scheduling {{ {} }}",
        more, steps);
  }
  ModelHandle LoadEnsemble(const std::string& steps) {
    auto loaded = TryLoad("e", Ensemble(steps));
    EXPECT_TRUE(loaded) << loaded.error().ToString();
    return loaded ? *loaded : ModelHandle();
  }
};

TEST_F(EnsembleTest, RunsItsStepsOneAfterTheOther) {
  LoadMember("a");
  LoadMember("b");
  const ModelHandle model = LoadEnsemble(Step("b", "mid", "y") + Step("a", "x", "mid"));
  InferRequest request = Request(7, "id-7");
  request.priority = 2;
  request.parameters["k"] = true;
  Send(model, std::move(request));
  const auto& answer = answers.Wait();
  ASSERT_TRUE(answer) << answer.error().ToString();
  EXPECT_EQ(answer->model, "e");
  EXPECT_EQ(answer->id, "id-7");
  ASSERT_THAT(answer->outputs, SizeIs(1));
  EXPECT_EQ(answer->outputs[0].name, "y");
  EXPECT_THAT(FloatsOf(answer->outputs[0]), ElementsAre(7));
  EXPECT_THAT(RunNames(), ElementsAre("a", "b"));
  ASSERT_THAT(calls().requests, SizeIs(2));
  EXPECT_EQ(calls().requests[1].id, "id-7");
  EXPECT_EQ(calls().requests[1].priority, 2u);
  EXPECT_TRUE(calls().requests[1].parameters.contains("k"));
  const ModelCounters counters = model.counters();
  EXPECT_EQ(counters.success.count, 1u);
  EXPECT_EQ(counters.inferences, 1u);
  EXPECT_EQ(counters.in_flight, 0);
}

TEST_F(EnsembleTest, ItsErrorNamesTheStep) {
  LoadMember("a");
  fake->SetExecute([](const ModelSpec&, const std::vector<Tensor>&) -> FakeBackend::Outputs {
    return Error(Code::kInvalidArgument, "no good");
  });
  LoadMember("b");
  const ModelHandle model = LoadEnsemble(Step("a", "x", "mid") + Step("b", "mid", "y"));
  Send(model, 1);
  const auto& answer = answers.Wait();
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code(), Code::kInvalidArgument);
  EXPECT_THAT(answer.error().message(), AllOf(HasSubstr("in ensemble 'e'"),
                                              HasSubstr("step 1 (model 'b')"), HasSubstr("no go")));
  EXPECT_EQ(model.counters().failures, 1u);
}

TEST_F(EnsembleTest, AStepThatIsNeverAnsweredIsAnError) {
  LoadMember("a");
  const ModelHandle model = LoadEnsemble(Step("a", "x", "y"));
  calls().models.clear();
  Send(model, 1);
  EXPECT_EQ(answers.Wait().error().code(), Code::kUnavailable);
}

TEST_F(EnsembleTest, FinishesWhatRunsWhenItIsUnloaded) {
  LoadMember("a");
  const ModelHandle model = LoadEnsemble(Step("a", "x", "y"));
  fake->Hold();
  Send(model, 1);
  fake->WaitUntilHeld(1);
  Signal gone;
  engine->Unload(model, [&] { gone.Set(); });
  Send(model, 2);
  EXPECT_EQ(answers.Wait().error().code(), Code::kUnavailable);
  fake->Release();
  EXPECT_TRUE(answers.Wait());
  gone.Wait();
}

TEST_F(EnsembleTest, ADecoupledStepsResponsesEachGoOnToTheNextStep) {
  fake->SetStream([](const std::vector<Tensor>&, const backends::ExecuteContext&,
                     FakeBackend::Respond respond) -> Status {
    for (const float value : {1.0f, 2.0f, 3.0f})
      respond(std::vector<Tensor>{Floats("y", {1, 1}, {value})}, false);
    respond(std::vector<Tensor>(), true);
    return {};
  });
  LoadMember("many", kDecoupled);
  LoadMember("next");
  const ModelHandle model = LoadEnsemble(Step("many", "x", "mid") + Step("next", "mid", "y"));
  EXPECT_TRUE(model.info().spec.decoupled);
  InferRequest request = Request(0);
  request.accepts_many = true;
  Send(model, std::move(request));
  std::vector<float> values;
  for (bool final = false; !final;) {
    const auto& answer = answers.Wait();
    ASSERT_TRUE(answer) << answer.error().ToString();
    final = answer->final;
    for (const Tensor& output : answer->outputs) values.push_back(FloatsOf(output)[0]);
  }
  EXPECT_THAT(values, ElementsAre(1, 2, 3));
}

TEST_F(EnsembleTest, NoMoreThanMaxInflightRequestsOfAStepAreUnderWay) {
  LoadMember("a", "max_batch_size: 8 instance_group { count: 4 kind: KIND_CPU }");
  const ModelHandle model = LoadEnsemble(Step("a", "x", "y") + "max_inflight_requests: 2");
  fake->Hold();
  for (int i = 0; i < 5; ++i) Send(model, 1);
  EXPECT_THAT(calls().requests, SizeIs(2));
  fake->Release();
  answers.WaitForAll();
  for (const auto& answer : answers.all()) EXPECT_TRUE(answer);
  EXPECT_THAT(calls().requests, SizeIs(5));
}

TEST_F(EnsembleTest, IsNotLoadedWhenAStepCannotBeFoundOrDoesNotFit) {
  LoadMember("a");
  LoadMember("small", "max_batch_size: 2");
  const std::vector<std::pair<std::string, std::string>> cases = {
      {Step("none", "x", "y"), "step 0 (model 'none'): no such model"},
      {Step("e", "x", "y"), "in a circle: e, e"},
      {Step("small", "x", "y"), "max_batch_size is 8, but step 0 (model 'small') allows only 2"},
      {"step { model_name: 'a' model_version: 9 input_map { key: 'x' value: 'x' } output_map { "
       "key: 'y' value: 'y' } }",
       "it has no version 9; it has 1"},
  };
  for (const auto& [steps, says] : cases) {
    const auto loaded = TryLoad("e", Ensemble(steps));
    ASSERT_FALSE(loaded) << steps;
    EXPECT_THAT(loaded.error().message(), AllOf(HasSubstr("model 'e'"), HasSubstr(says)));
  }
}

}  // namespace
}  // namespace sarai::engine
