// Who holds how many bytes: the figure behind BackendModel::memory_bytes().
//
// A backend opens a ScopedAccount around each call into its framework; the framework's allocations
// on that thread then go to CountedAllocate (counted_memory.h), which books them on the account in
// force. Allocations made on threads without a scope belong to nobody and are not booked.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

namespace sarai::backends {

// Why memory is taken: what stays until the model goes, or what one run needs for a moment.
enum class Phase { kLoad, kRun };

// One model's bytes. Lives as long as anybody holds a share, and every allocation booked on it
// does: tensors may outlive their model. Thread-safe.
class MemoryAccount {
 public:
  void Add(uint64_t bytes) { bytes_.fetch_add(bytes, std::memory_order_relaxed); }
  void Subtract(uint64_t bytes) { bytes_.fetch_sub(bytes, std::memory_order_relaxed); }
  uint64_t bytes() const { return bytes_.load(std::memory_order_relaxed); }

  // Allocations that the system refused; how a framework's vague failure is told from lack of
  // memory.
  void CountRefusal() { refusals_.fetch_add(1, std::memory_order_relaxed); }
  uint64_t refusals() const { return refusals_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> bytes_{0};
  std::atomic<uint64_t> refusals_{0};
};

// Makes `account` the one that this thread's allocations are booked on, until the scope ends;
// scopes nest. The account may be null: not booked.
class ScopedAccount {
 public:
  ScopedAccount(std::shared_ptr<MemoryAccount> account, Phase phase);
  ~ScopedAccount();
  ScopedAccount(const ScopedAccount&) = delete;
  ScopedAccount& operator=(const ScopedAccount&) = delete;

  // The innermost scope of the calling thread, or null.
  static const ScopedAccount* Current();

  const std::shared_ptr<MemoryAccount>& account() const { return account_; }
  Phase phase() const { return phase_; }
  // Whether the system refused memory to the account since the scope began.
  bool ran_out_of_memory() const {
    return account_ != nullptr && account_->refusals() != refusals_before_;
  }

 private:
  const std::shared_ptr<MemoryAccount> account_;
  const Phase phase_;
  const uint64_t refusals_before_;
  const ScopedAccount* const outer_;
};

}  // namespace sarai::backends
