#include "policy/sequence.h"

#include <algorithm>

namespace sarai::policy {
namespace {

// The slot that has waited longest; of equals the lowest. Null: none waits.
const SlotView* OldestOf(std::span<const SlotView> slots) {
  const SlotView* oldest = nullptr;
  for (const SlotView& slot : slots)
    if (slot.waits && (oldest == nullptr || slot.arrived < oldest->arrived)) oldest = &slot;
  return oldest;
}

// As in Triton, either of the two settings alone does not hold anything back.
bool MayWait(const SequenceSpec& spec) {
  return spec.max_queue_delay > Duration{0} && spec.minimum_slot_utilization > 0;
}

}  // namespace

SequenceVerdict JudgeArrival(const SequenceArrival& arrival) {
  if (arrival.batch > 1) return SequenceVerdict::kBatchTooLarge;
  if (arrival.iterative)
    return arrival.has_id && !arrival.start ? SequenceVerdict::kNotStarted
                                            : SequenceVerdict::kBegin;
  if (!arrival.has_id) return SequenceVerdict::kNoId;
  if (arrival.start) return arrival.known ? SequenceVerdict::kRestart : SequenceVerdict::kBegin;
  return arrival.known ? SequenceVerdict::kContinue : SequenceVerdict::kNotStarted;
}

size_t SlotsPerInstance(const ModelSpec& spec) {
  const bool oldest = spec.sequence && spec.sequence->strategy == SequenceSpec::Strategy::kOldest;
  const int64_t slots = oldest ? spec.sequence->max_candidate_sequences : spec.max_batch_size;
  return static_cast<size_t>(std::max<int64_t>(1, slots));
}

std::optional<SlotChoice> ChooseSlot(std::span<const size_t> first_free, size_t slots) {
  const auto lowest = std::ranges::min_element(first_free);
  if (lowest == first_free.end() || *lowest >= slots) return std::nullopt;
  return SlotChoice{.instance = static_cast<size_t>(lowest - first_free.begin()), .slot = *lowest};
}

RowsDecision NextRows(std::span<const SlotView> slots, const SequenceSpec& spec, size_t slot_count,
                      TimePoint now) {
  const SlotView* const oldest = OldestOf(slots);
  if (oldest == nullptr) return {};
  RowsDecision decision;
  size_t ready = 0;
  for (size_t i = 0; i < slots.size(); ++i) {
    if (!slots[i].waits || slots[i].shape_key != oldest->shape_key) continue;
    decision.rows.resize(i + 1, false);
    decision.rows[i] = true;
    ++ready;
  }
  const TimePoint until = oldest->arrived + spec.max_queue_delay;
  const double utilization = static_cast<double>(ready) / static_cast<double>(slot_count);
  if (!MayWait(spec) || now >= until || utilization >= spec.minimum_slot_utilization)
    return decision;
  return {.wake_at = until};
}

BatchLimits OldestLimits(const ModelSpec& spec) {
  BatchLimits limits{.max_batch_size = spec.max_batch_size};
  if (!spec.sequence) return limits;
  limits.batching.enabled = true;
  limits.batching.preferred_sizes = spec.sequence->preferred_sizes;
  limits.batching.max_queue_delay = spec.sequence->max_queue_delay;
  return limits;
}

}  // namespace sarai::policy
