// A framework for tests: its models say and do what the test has scripted, can be held in the
// middle of a run, and keep a record. Needs no files beyond those the engine looks for. Any thread.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "backends/backend.h"

namespace sarai::engine {

class FakeBackend final : public backends::Backend {
 public:
  using Outputs = Result<std::vector<Tensor>>;
  using Execute = std::function<Outputs(const ModelSpec& spec, const std::vector<Tensor>& inputs)>;

  using Respond = backends::Respond;
  // Of decoupled models.
  using Stream = std::function<Status(const std::vector<Tensor>& inputs,
                                      const backends::ExecuteContext& context, Respond respond)>;

  // Of iterative models: `rows` as in ExecuteContext.
  using Iterate = std::function<Outputs(const std::vector<Tensor>& inputs,
                                        std::span<backends::IterationRow> rows)>;

  struct Run {
    std::string model;
    int64_t batch = 0;  // first dimension of the first input
  };

  // --- script: for models loaded from now on
  // ------------------------------------------------------
  void SetSignature(backends::Signature signature);
  void SetExecute(Execute execute);  // default: output i is input i under the output's name
  void SetStream(Stream stream);
  void SetIterate(Iterate iterate);
  void SetMemoryBytes(uint64_t bytes);
  void FailLoads(Status status);                                // ok = no more
  void OnLoad(std::function<void(const ModelSpec&)> callback);  // inside Load
  void OnDestroy(std::function<void()> callback);               // inside a model's destruction

  // --- the gate before every run
  // ------------------------------------------------------------------
  void Hold();                   // runs wait from now on
  void LetPass(int runs);        // so many may go on
  void Release();                // all may
  void WaitUntilHeld(int runs);  // blocks until so many wait at the gate

  // As when a host process dies: models answer kUnavailable, and the callback is called.
  void LoseModels(const Status& why);

  backends::ExecuteContext last_context() const;  // of the latest run

  // --- record
  // -------------------------------------------------------------------------------------
  std::vector<Run> runs() const;
  int live_models() const;
  int peak_concurrency() const;
  int releases() const;             // ReleaseMemory calls
  void WaitUntilNoneLive();         // blocks until all its models are destroyed
  void WaitForReleases(int count);  // blocks until there were so many

  // --- Backend
  // ------------------------------------------------------------------------------------
  std::string name() const override { return "fake"; }
  std::string runtime_version() const override { return "1"; }
  Result<std::unique_ptr<backends::BackendModel>> Load(const ModelSpec& spec) override;
  void ReleaseMemory() override;
  void OnModelsLost(std::function<void(Status why)> callback) override;

  struct State;

 private:
  std::shared_ptr<State> state_ = MakeState();  // shared with the models
  static std::shared_ptr<State> MakeState();
};

}  // namespace sarai::engine
