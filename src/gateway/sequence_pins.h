// Which instance has which sequence: its state lies there, whatever copies of the model come up
// elsewhere. Bounded: the longest unused are forgotten first.
//
// Threads: any.
#pragma once

#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

namespace sarai::gateway {

class SequencePins {
 public:
  struct Pin {
    std::string variant, instance;
  };

  explicit SequencePins(size_t max_pins) : max_pins_(max_pins) {}

  std::optional<Pin> Find(const std::string& sequence) {
    const std::lock_guard lock(mu_);
    const auto it = by_sequence_.find(sequence);
    if (it == by_sequence_.end()) return std::nullopt;
    order_.splice(order_.begin(), order_, it->second);
    return it->second->second;
  }

  void Put(const std::string& sequence, Pin pin) {
    const std::lock_guard lock(mu_);
    EraseLocked(sequence);
    order_.emplace_front(sequence, std::move(pin));
    by_sequence_[sequence] = order_.begin();
    if (order_.size() > max_pins_) EraseLocked(std::string(order_.back().first));
  }

  void Erase(const std::string& sequence) {
    const std::lock_guard lock(mu_);
    EraseLocked(sequence);
  }

 private:
  using Entry = std::pair<std::string, Pin>;

  void EraseLocked(const std::string& sequence) {
    const auto it = by_sequence_.find(sequence);
    if (it == by_sequence_.end()) return;
    order_.erase(it->second);
    by_sequence_.erase(it);
  }

  const size_t max_pins_;
  std::mutex mu_;
  std::list<Entry> order_;                                                   // newest first; by mu_
  std::unordered_map<std::string, std::list<Entry>::iterator> by_sequence_;  // guarded by mu_
};

}  // namespace sarai::gateway
