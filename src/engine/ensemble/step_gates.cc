#include "engine/ensemble/step_gates.h"

#include <utility>

namespace sarai::engine {

bool StepGates::Enter(size_t step, Start start) {
  if (gates_.empty()) {
    start();
    return true;
  }
  std::unique_lock lock(mu_);
  Gate& gate = gates_[step];
  if (gate.line.size() >= kLineMax) return false;
  gate.line.push_back(std::move(start));
  LetIn(gate, lock);
  return true;
}

void StepGates::Leave(size_t step) {
  if (gates_.empty()) return;
  std::unique_lock lock(mu_);
  Gate& gate = gates_[step];
  --gate.inside;
  LetIn(gate, lock);
}

void StepGates::LetIn(Gate& gate, std::unique_lock<std::mutex>& lock) {
  if (std::exchange(gate.letting_in, true)) return;
  while (gate.inside < max_ && !gate.line.empty()) {
    Start start = std::move(gate.line.front());
    gate.line.pop_front();
    ++gate.inside;
    lock.unlock();
    start();
    start = nullptr;
    lock.lock();
  }
  gate.letting_in = false;
}

}  // namespace sarai::engine
