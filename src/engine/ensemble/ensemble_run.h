// One request's way through an ensemble: each step is called as soon as what it reads is there; the
// tensors go from step to step by reference.
//
// Steps whose models are decoupled give several tensors of one name: each is in a plane of its own,
// and what follows runs once per plane. Planes are answered in their order.
//
// Owned by the calls that are under way. Threads: any; whoever brings a response goes on with the
// run, one at a time, without a lock while it calls out. Invariant: the responder is called as
// InferResponder says, the last time when no step is under way any more.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "engine/served_version.h"
#include "policy/ensemble.h"
#include "types/model_caller.h"

namespace sarai::engine {

class EnsembleRun : public std::enable_shared_from_this<EnsembleRun> {
 public:
  // `models` outlives it. `on_end` is called after the last answer.
  EnsembleRun(std::shared_ptr<ServedVersion> version, Pending pending, ModelCaller& models,
              const Clock& clock, std::function<void()> on_end);
  void Start();

 private:
  struct EnsembleTensor {
    std::optional<Tensor> tensor;  // none: known to be absent
    bool batched = false;          // by a model that batches
  };
  struct Plane {
    explicit Plane(const EnsembleSpec& spec) : progress(spec) {}
    policy::EnsembleProgress progress;
    std::map<std::string, EnsembleTensor, std::less<>> tensors;
    bool answered = false;
  };
  struct Event {
    size_t step = 0, plane = 0;
    Result<InferResponse> response;
  };
  class Reply;

  void Put(Event event);
  void Handle(Event event);
  void GiveInputs();
  void TakeOutputs(const Event& event, InferResponse& response);
  void StartReady(size_t plane, const policy::EnsembleProgress::Tensors& made);
  void StartStep(size_t step, size_t plane);
  InferRequest RequestOf(size_t step, Plane& plane) const;
  void Fail(Status why);
  void AnswerPlanes();
  bool IsComplete(const Plane& plane) const;
  InferResponse ResponseOf(Plane& plane) const;
  void Finish(std::optional<InferResponse> last);
  Plane& PlaneOf(size_t number);
  const EnsembleSpec& spec() const { return *version_->spec().ensemble; }

  // Constant after construction.
  const std::shared_ptr<ServedVersion> version_;
  ModelCaller& models_;
  const Clock& clock_;
  const std::function<void()> on_end_;
  const Pending pending_;
  std::vector<std::string> wanted_;
  std::vector<bool> needed_;

  // Of whoever goes on with the run (running_).
  std::map<size_t, Plane> planes_;
  std::vector<size_t> next_plane_;  // of decoupled steps
  size_t next_answer_ = 0;          // plane
  size_t under_way_ = 0;            // steps called and not ended
  bool answered_ = false;
  Status failure_;
  ComputeTimes times_;

  // Guarded by mu_.
  std::mutex mu_;
  std::deque<Event> events_;
  bool running_ = false;
};

}  // namespace sarai::engine
