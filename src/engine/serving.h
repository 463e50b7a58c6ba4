// Requests on their way through model versions: into a queue, onto a lane, to their answer; and
// what has to be arranged after each step (the next turn, an alarm, the reaper).
//
// Owned by the engine. Threads: any; cancellations and response streams call through a gate. It has
// no lock of its own; each part has one, and none calls another with it held.
#pragma once

#include <memory>
#include <vector>

#include "base/clock.h"
#include "engine/alarms.h"
#include "engine/call_gate.h"
#include "engine/lanes.h"
#include "engine/rate_gate.h"
#include "engine/reaper.h"
#include "engine/response_cache.h"
#include "engine/served_version.h"
#include "types/model_caller.h"

namespace sarai::engine {

class Serving {
 public:
  using VersionPtr = std::shared_ptr<ServedVersion>;

  // `clock` and `reaper` must outlive it.
  // Without `rate` every run may start; without `models` there are no ensembles, without `cache`
  // no answers are kept.
  Serving(int lanes, const Clock& clock, Reaper& reaper, std::unique_ptr<RateGate> rate,
          ModelCaller* models = nullptr, std::unique_ptr<ResponseCache> cache = nullptr);

  // Before the first request. Errors: kInvalidArgument when the version could never run.
  Status Admit(const VersionPtr& version);
  // `again`: it has waited once already, for a model that was lost.
  void Infer(const VersionPtr& version, InferRequest request, InferResponder respond,
             bool again = false);
  void Arrange(const VersionPtr& version, const ServedVersion::FollowUp& next);
  struct Returned {
    InferRequest request;
    InferResponder respond;
  };
  // Takes those out of `requests`, which never ran, that may be asked once more elsewhere.
  static std::vector<Returned> TakeBack(ServedVersion& version, std::vector<Pending>& requests);
  // Answers requests that never ran.
  static void FailAll(ServedVersion& version, std::vector<Pending> requests, const Status& status);

  double TakeLaneUtilization() { return lanes_.TakeUtilization(); }
  void OnClockMoved() { alarms_.OnClockMoved(); }
  void Stop();  // idempotent; not from a lane

 private:
  Result<Pending> Accept(const ServedVersion& version, InferRequest request, TimePoint now) const;
  bool AnswerFromCache(const VersionPtr& version, Pending& pending);
  void InferEnsemble(const VersionPtr& version, Pending pending);
  void Listen(const VersionPtr& version, PendingRequest& pending);
  void TakeTurn(const VersionPtr& version);
  void GiveLeave(const std::vector<VersionPtr>& called);
  // Nothing: it ran nothing.
  std::optional<ServedVersion::FollowUp> TakeTurnNow(const VersionPtr& version);
  ServedVersion::FollowUp RunBatch(const VersionPtr& version, ServedVersion::Turn turn);
  ServedVersion::FollowUp RunIteration(const VersionPtr& version, ServedVersion::Turn turn);
  ServedVersion::FollowUp RunDecoupled(const VersionPtr& version, ServedVersion::Turn turn);
  void OnAlarm(const VersionPtr& version);
  void OnCancelled(const VersionPtr& version, const PendingRequest* request);

  // Constant after construction.
  const Clock& clock_;
  Reaper& reaper_;
  ModelCaller* const models_;
  const std::shared_ptr<ResponseCache> cache_;  // may be null
  const std::shared_ptr<CallGate> gate_ = std::make_shared<CallGate>();

  // Own synchronisation. Lanes, which use the others, end first.
  const std::unique_ptr<RateGate> rate_;  // may be null
  Alarms alarms_;
  Lanes lanes_;
};

}  // namespace sarai::engine
