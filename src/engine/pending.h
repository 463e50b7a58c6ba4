// One request on its way through the engine: checked, with its responder, owned by exactly one
// place at a time (a queue, a lane, or the replies that wait for their order).
#pragma once

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "types/inference.h"
#include "types/model_spec.h"

namespace sarai::engine {

// How far a request of an iterative model is, between its runs.
struct Iteration {
  uint64_t number = 0;   // of runs that are done
  TimePoint since{};     // it waits for its next run since then
  size_t responses = 0;  // of a decoupled model, so far
  TimePoint responded_at{};
  bool again = false;    // the run that has just ended was not its last
  bool respond = false;  // and gave a response
};

struct PendingRequest {
  InferRequest request;        // its inputs have moved to `inputs`
  std::vector<Tensor> inputs;  // in the order of the spec, as the framework wants them
  int64_t batch = 1;
  uint64_t shape_key = 0;
  bool alone = false;  // shares no batch: it, or one that it was with, has failed
  uint64_t level = 1;  // of priority; 1 is served first
  TimePoint arrived{};
  TimePoint expires = TimePoint::max();     // no longer worth running
  TimePoint demoted_at = TimePoint::max();  // from then on served after its level (DELAY)
  uint64_t cancel_id = 0;                   // in request.cancellation, while it is listened to
  uint64_t sequence = 0;                    // its sequence, as the sequence scheduler counts them
  bool lost_before = false;                 // its model's process died once while it waited
  Iteration iteration;
  bool null_row = false;           // fills a slot of a stateful model's batch: nobody's request
  std::vector<Tensor> new_states;  // after a run: the states' outputs, in the spec's order
  Status fate;                     // not ok: what it is answered when it is shed
  InferResponder respond;
};

using Pending = std::unique_ptr<PendingRequest>;

// When it began to wait for the run that is to come.
inline TimePoint WaitsSince(const PendingRequest& pending) {
  return std::max(pending.arrived, pending.iteration.since);
}

inline uint64_t InputBytes(const PendingRequest& pending) {
  uint64_t bytes = 0;
  for (const Tensor& input : pending.inputs) bytes += input.data.size();
  return bytes;
}

// Checks the request against its model and works out how long it may wait: the caller's deadline,
// the model's queue timeout, and the request's own timeout where the model allows one; the
// shortest counts. Its responder is not set. Errors: kInvalidArgument.
Result<Pending> MakePending(const ModelSpec& spec, InferRequest request, TimePoint now);

// Of a request that waited when its model was lost: whether it can be asked again without harm. Not
// the steps of sequences, whose states are gone; not what ran before, or has been lost before.
bool MayBeginAgain(const ModelSpec& spec, const PendingRequest& pending);
// The request as it came, to be asked again.
InferRequest RequestOf(PendingRequest& pending);

}  // namespace sarai::engine
