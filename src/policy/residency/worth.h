// What keeping a model is worth: the seconds of reloading that it is expected to spare, per hour
// and GiB held:
//
//   worth = reuse × reload cost / bytes
//
//   reuse   requests per hour, predicted: the faded count of past ones (reuse.h) over its time
//           constant. A model that was loaded less than the churn guard ago counts as asked for
//           once more: it goes after all models without proven reuse, but no scan can hide behind
//           the guard and push out the hot ones;
//   cost    seconds: the last measured load for memory, the last measured fetch for disk (both when
//           a ready model would lose its files); guessed from the bytes before the first;
//   bytes   that its eviction gives.
#pragma once

#include "policy/residency.h"
#include "policy/residency/model.h"

namespace sarai::policy::residency {

class Worth {
 public:
  explicit Worth(const ResidencyOptions& options)
      : time_constant_(options.reuse_time_constant), churn_guard_(options.churn_guard) {}

  double InMemory(const Model& model, TimePoint now) const;
  double OnDisk(const Model& model, TimePoint now) const;

 private:
  double ReusePerHour(const Model& model, TimePoint now) const;

  const Duration time_constant_;
  const Duration churn_guard_;
};

}  // namespace sarai::policy::residency
