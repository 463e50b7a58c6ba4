// Whether an instance is ready, and the figures of its status.
//
// Threads: any.
#pragma once

#include <atomic>

#include "base/status.h"
#include "instance/core_parts.h"
#include "instance/front/admin_json.h"

namespace sarai::instance {

class Health {
 public:
  // `parts` outlives it.
  explicit Health(CoreParts& parts) : parts_(parts) {}

  // Why it is not, otherwise.
  Status Ready();
  StatusFacts Facts(const Totals& totals);

  // It is not ready any more, for good.
  void BeginDrain() { draining_ = true; }

 private:
  double DiskPercent(const Totals& totals) const;

  CoreParts& parts_;
  std::atomic<bool> draining_ = false;
};

}  // namespace sarai::instance
