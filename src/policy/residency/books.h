// The books: which models are in which state and what they hold of memory and disk. Every change of
// state goes through Transition, which keeps sums and sets in step.
#pragma once

#include <array>
#include <unordered_set>

#include "policy/residency.h"
#include "policy/residency/model.h"

namespace sarai::policy::residency {

inline constexpr Bytes kUnbounded = Bytes{1} << 62;
// A single size above this is a mistake of whoever told it; capped, sums cannot overflow.
inline constexpr Bytes kLargestModel = Bytes{1} << 46;

Bytes ToBytes(uint64_t bytes);

// One tier's sums. `held` is kept by Books.
struct Tier {
  Bytes budget = kUnbounded;
  Bytes held = 0;
  Bytes leaving = 0;   // the part of `held` that is being given back
  Bytes pinned = 0;    // the part of `held` that is never given back
  Bytes overhead = 0;  // used, but by no model

  Bytes Free() const { return budget - held - overhead; }
  Bytes FreeSoon() const { return Free() + leaving; }
  bool bounded() const { return budget != kUnbounded; }
};

class Books {
 public:
  explicit Books(const ResidencyOptions& options);

  // Moves the model on and books what it holds in the new state.
  void Transition(Model& model, ModelState to, TimePoint now);
  // OnDisk: its files are going. Draining: they go next.
  void SetFilesLeaving(Model& model);
  void SetPinned(Model& model, bool pinned);
  void SetOverhead(Bytes bytes) { memory_.overhead = bytes; }
  // Takes a model that holds nothing, or files only, out of the books.
  void Remove(Model& model);

  // Bytes in memory once loaded: measured, or estimated from the files; 0 = unknown.
  Bytes MemorySize(const Model& model) const;
  // What a load reserves: the size and what is needed on top while it runs.
  Bytes MemoryNeed(const Model& model) const;
  // What a fetch reserves.
  Bytes DiskNeed(const Model& model) const;
  // Why the model cannot be held even if everything that may go is gone; OK otherwise.
  Status NeverFits(const Model& model) const;
  Status NeverFitsDisk(const Model& model) const;

  const Tier& memory() const { return memory_; }
  const Tier& disk() const { return disk_; }
  int count(ModelState state) const { return counts_[static_cast<size_t>(state)]; }
  const std::unordered_set<Model*>& ready() const { return ready_; }
  const std::unordered_set<Model*>& on_disk() const { return on_disk_; }

 private:
  void Hold(Tier& tier, Model& model, Holding Model::* holding, Bytes bytes, bool leaving);
  void BookState(Model& model);
  void FileState(Model& model, ModelState to);
  Status NeverFitsMemory(const Model& model) const;

  const double size_factor_;
  const double load_peak_factor_;
  const double unpack_factor_;
  Tier memory_;
  Tier disk_;
  std::array<int, 6> counts_{};
  std::unordered_set<Model*> ready_;
  std::unordered_set<Model*> on_disk_;
};

}  // namespace sarai::policy::residency
