// Stateful models: whether a request belongs to its sequence, which slot a new sequence gets, and
// which requests run together. Pure: views of slots and the time in; decisions out. Semantics:
// Triton's sequence batcher (docs/user_guide/architecture.md, "Stateful Models").
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/clock.h"
#include "policy/batching.h"
#include "types/model_spec.h"

namespace sarai::policy {

// --- which sequence ------------------------------------------------------------------------------

struct SequenceArrival {
  bool has_id = false;
  bool known = false;  // a sequence of that id is live and has not been sent its end
  bool start = false;
  int64_t batch = 1;
  bool iterative = false;  // each request of the model is a sequence of its own
};

enum class SequenceVerdict {
  kContinue,
  kBegin,
  kRestart,  // the one before was never ended: it ends here, and its slot goes on with the new one
  // Refused:
  kNoId,
  kNotStarted,
  kBatchTooLarge
};

SequenceVerdict JudgeArrival(const SequenceArrival& arrival);

// How many sequences each instance has a place for.
size_t SlotsPerInstance(const ModelSpec& spec);

struct SlotChoice {
  size_t instance = 0, slot = 0;
};

// `first_free`: each instance's lowest slot without a sequence. The lowest of all is taken, so that
// sequences spread over the instances and batches stay short. Nothing: all are taken.
std::optional<SlotChoice> ChooseSlot(std::span<const size_t> first_free, size_t slots);

// --- which together ------------------------------------------------------------------------------

// One slot of an instance; the slot's number is the row of the batch.
struct SlotView {
  bool waits = false;  // its sequence has a request that may run
  uint64_t shape_key = 0;
  TimePoint arrived;
};

struct RowsDecision {
  std::vector<bool> rows;  // by slot: true = its request runs, false = a null row; empty = not yet
  TimePoint wake_at = TimePoint::max();
};

// Direct: every waiting request of the instance that has the oldest one's shape, each in its row.
RowsDecision NextRows(std::span<const SlotView> slots, const SequenceSpec& spec, size_t slot_count,
                      TimePoint now);

// Oldest: what NextBatch goes by for the first requests of an instance's sequences.
BatchLimits OldestLimits(const ModelSpec& spec);

}  // namespace sarai::policy
