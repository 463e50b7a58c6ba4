#include "store/credentials.h"

#include <chrono>

#include "base/strings.h"

namespace sarai::store {
namespace {

constexpr Duration kRefreshBefore = std::chrono::minutes(5);
constexpr Duration kUsableBefore = std::chrono::seconds(10);
constexpr Duration kRetryAfter = std::chrono::seconds(5);

}  // namespace

bool CredentialsProvider::ValidFor(Duration time) const {
  if (!known_) return false;
  if (!known_->expires) return true;
  return clock_.WallNow() + std::chrono::duration_cast<WallTime::duration>(time) < *known_->expires;
}

Result<Credentials> CredentialsProvider::Get() {
  std::unique_lock lock(mu_);
  while (true) {
    if (ValidFor(kRefreshBefore)) return *known_;
    const bool wait_to_retry = failure_ && clock_.Now() < next_try_;
    if ((refreshing_ || wait_to_retry) && ValidFor(kUsableBefore)) return *known_;
    if (wait_to_retry) return Error(*failure_);
    if (!refreshing_) break;
    refreshed_.wait(lock);
  }
  refreshing_ = true;
  lock.unlock();
  Result<Credentials> fresh = Ask();
  lock.lock();
  refreshing_ = false;
  refreshed_.notify_all();
  if (fresh) {
    known_ = *fresh;
    failure_.reset();
    return fresh;
  }
  failure_ = fresh.error();
  next_try_ = clock_.Now() + kRetryAfter;
  if (ValidFor(kUsableBefore)) return *known_;
  return fresh;
}

void CredentialsProvider::Forget(const Credentials& refused) {
  std::lock_guard lock(mu_);
  const bool same = known_ && known_->access_key_id == refused.access_key_id &&
                    known_->session_token == refused.session_token;
  if (same) known_.reset();
}

Result<Credentials> CredentialsProvider::Ask() const {
  std::vector<std::string> reasons;
  for (const CredentialSource& source : sources_) {
    Result<Credentials> found = source.read();
    if (found) {
      if (found->source.empty()) found->source = source.name;
      return found;
    }
    if (found.error().code() != Code::kNotFound) {
      return Error(found.error().WithContext("AWS credentials from " + source.name));
    }
    reasons.push_back(fmt::format("{}: {}", source.name, found.error().message()));
  }
  return Error(Code::kPermissionDenied, "there are no AWS credentials ({})", Join(reasons, "; "));
}

}  // namespace sarai::store
