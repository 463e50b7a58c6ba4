#include "backends/common/memory_account.h"

#include <utility>

namespace sarai::backends {
namespace {

thread_local const ScopedAccount* current_scope = nullptr;

}  // namespace

ScopedAccount::ScopedAccount(std::shared_ptr<MemoryAccount> account, Phase phase)
    : account_(std::move(account)),
      phase_(phase),
      refusals_before_(account_ == nullptr ? 0 : account_->refusals()),
      outer_(std::exchange(current_scope, this)) {}

ScopedAccount::~ScopedAccount() { current_scope = outer_; }

const ScopedAccount* ScopedAccount::Current() { return current_scope; }

}  // namespace sarai::backends
