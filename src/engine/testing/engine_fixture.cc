#include "engine/testing/engine_fixture.h"

namespace sarai::engine {

InferResponder Answers::Expect() {
  std::lock_guard lock(mu_);
  ++expected_;
  return [this](Answer answer) {
    std::lock_guard lock(mu_);
    answers_.push_back(std::move(answer));
    changed_.notify_all();
  };
}

const Answers::Answer& Answers::Wait() {
  std::unique_lock lock(mu_);
  const size_t index = waited_++;
  changed_.wait(lock, [&] { return answers_.size() > index; });
  return answers_[index];
}

void Answers::WaitForAll() {
  std::unique_lock lock(mu_);
  changed_.wait(lock, [this] { return answers_.size() >= expected_; });
}

std::vector<Answers::Answer> Answers::all() const {
  std::lock_guard lock(mu_);
  return {answers_.begin(), answers_.end()};
}

void Signal::Set() {
  std::lock_guard lock(mu_);
  set_ = true;
  changed_.notify_all();
}

void Signal::Wait() {
  std::unique_lock lock(mu_);
  changed_.wait(lock, [this] { return set_; });
}

EngineTest::EngineTest(EngineOptions options) {
  registry.Add("fake", std::unique_ptr<backends::Backend>(fake));
  engine.emplace(options, registry, clock);
}

std::string EngineTest::Config(std::string_view more) {
  return fmt::format(R"(
backend: "fake"
input [ {{ name: "x" data_type: TYPE_FP32 dims: [ 1 ] }} ]
output [ {{ name: "y" data_type: TYPE_FP32 dims: [ 1 ] }} ]
{}
)",
                     more);
}

ModelHandle EngineTest::Load(const std::string& name, std::string_view more_config) {
  auto loaded = TryLoad(name, Config(more_config));
  EXPECT_TRUE(loaded) << loaded.error().ToString();
  return loaded ? *loaded : ModelHandle();
}

Result<ModelHandle> EngineTest::TryLoad(const std::string& name, const std::string& config) {
  folder.Write(name + "/config.pbtxt", config);
  folder.MakeFolder(name + "/1");
  return engine->Load({.directory = folder.path(name)});
}

InferRequest EngineTest::Request(float value, std::string id) {
  return {.id = std::move(id), .inputs = {Floats("x", {1, 1}, {value})}};
}

void EngineTest::Send(const ModelHandle& model, float value, std::string id) {
  Send(model, Request(value, std::move(id)));
}

void EngineTest::Send(const ModelHandle& model, InferRequest request) {
  engine->Infer(model, std::move(request), answers.Expect());
}

void EngineTest::UnloadAndWait(const ModelHandle& model) {
  Signal gone;
  engine->Unload(model, [&] { gone.Set(); });
  gone.Wait();
}

void EngineTest::MoveClock(Duration by) {
  clock.Advance(by);
  engine->OnClockMoved();
}

std::vector<std::string> EngineTest::RunNames() const {
  std::vector<std::string> names;
  for (const FakeBackend::Run& run : fake->runs()) names.push_back(run.model);
  return names;
}

std::vector<int64_t> EngineTest::RunBatches() const {
  std::vector<int64_t> batches;
  for (const FakeBackend::Run& run : fake->runs()) batches.push_back(run.batch);
  return batches;
}

}  // namespace sarai::engine
