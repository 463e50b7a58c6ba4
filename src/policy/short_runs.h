// Whether a request should run on the thread that brings it rather than on a lane: only if it will
// be over in less time than waking a lane and being woken by it is worth. Pure: told of arrivals
// and runs, asked before each request.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/clock.h"

namespace sarai::policy {

struct ShortRunLimits {
  Duration median_max{0};  // of a model's runs; 0 = never
  bool batches = false;    // several requests of the model could share a run
};

// One model version's runs, and how often it is asked. The owner brings a lock.
class ShortRuns {
 public:
  explicit ShortRuns(ShortRunLimits limits) : limits_(limits) {}

  void OnArrival(TimePoint now);
  void OnRun(Duration run, uint64_t input_bytes);

  // A request of that size. A model whose runs have not been seen often enough, one of whose last
  // runs was long, or one that is asked so often that a batch would form, goes to the lanes.
  bool Expects(uint64_t input_bytes) const;

  static constexpr size_t kRunsSeen = 16;      // the last so many count
  static constexpr int kLongestFactor = 4;     // no run of them may exceed the limit so many times
  static constexpr uint64_t kBytesFactor = 2;  // how much larger than those a request may be

 private:
  void Judge();

  const ShortRunLimits limits_;
  std::array<Duration, kRunsSeen> runs_{};  // a ring
  std::array<uint64_t, kRunsSeen> bytes_{};
  size_t seen_ = 0;  // runs in all
  Duration median_{0};
  uint64_t bytes_max_ = 0;
  bool short_ = false;
  TimePoint last_arrival_{};
  Duration gap_{0};  // between arrivals, averaged
};

}  // namespace sarai::policy
