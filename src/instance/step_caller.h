// Runs the steps of ensembles as requests like any other: their models are loaded on demand.
//
// Its place: between the engine, which outlives the manager, and the manager. Threads: any. Calls
// that come after Close are dropped.
#pragma once

#include <utility>

#include "engine/call_gate.h"
#include "instance/model_manager.h"
#include "types/inference.h"

namespace sarai::instance {

class StepCaller final : public ModelCaller {
 public:
  void Call(InferRequest request, InferResponder respond) override {
    request.caller.over = Caller::Over::kStep;
    gate_.Enter([&] {
      manager_->Infer(std::move(request), [respond = std::move(respond)](InferOutcome out) mutable {
        respond(std::move(out.response));
      });
    });
  }
  void Open(ModelManager& manager) { manager_ = &manager; }
  void Close() { gate_.Close(); }

 private:
  ModelManager* manager_ = nullptr;  // set before the first load
  engine::CallGate gate_;
};

}  // namespace sarai::instance
