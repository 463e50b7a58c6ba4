// max_inflight_requests: how many calls of each step of an ensemble are under way at once, over all
// its requests; the others wait in line.
//
// Owned by its ServedVersion. Any thread; calls out without its lock. Invariant: never more than
// `max` of a step are inside.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <vector>

namespace sarai::engine {

class StepGates {
 public:
  using Start = std::move_only_function<void()>;

  // `max` 0 = no bound.
  StepGates(size_t steps, size_t max) : max_(max), gates_(max == 0 ? 0 : steps) {}

  // Calls `start` now, or when somebody leaves. Leave must follow. False: the line is full, and
  // `start` was not called.
  bool Enter(size_t step, Start start);
  void Leave(size_t step);

 private:
  static constexpr size_t kLineMax = 16384;  // calls that wait, per step
  struct Gate {
    size_t inside = 0;
    std::deque<Start> line;
    bool letting_in = false;  // somebody goes through the line: no recursion
  };
  void LetIn(Gate& gate, std::unique_lock<std::mutex>& lock);

  const size_t max_;
  std::mutex mu_;
  std::vector<Gate> gates_;  // guarded by mu_
};

}  // namespace sarai::engine
