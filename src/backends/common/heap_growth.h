// How much memory a load keeps, for frameworks whose allocations cannot be routed through ours: the
// growth of the process's heap and of its large blocks from before the load to after it.
#pragma once

#include <cstdint>
#include <mutex>

namespace sarai::backends {

// One load at a time is measured: others of the same meter wait. What runs take and give back
// meanwhile disturbs the figure by their size.
class HeapMeter {
 public:
  // A load in progress, from its construction to its end.
  class Measurement {
   public:
    explicit Measurement(HeapMeter& meter);
    uint64_t bytes() const;  // 0 where the heap has shrunk

   private:
    const std::unique_lock<std::mutex> lock_;
    const uint64_t before_;
  };

 private:
  std::mutex mu_;
};

}  // namespace sarai::backends
