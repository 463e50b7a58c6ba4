// policy::RateLimiter for the engine's threads: which version may start a run now, and who is to be
// asked again when one has ended. Any thread; calls nobody.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "engine/served_version.h"
#include "policy/rate_limiting.h"

namespace sarai::engine {

class RateGate {
 public:
  using VersionPtr = std::shared_ptr<ServedVersion>;

  explicit RateGate(policy::RateLimiter::Capacities capacities) : limiter_(std::move(capacities)) {}

  // Errors: kInvalidArgument when it could never run.
  Status Add(const VersionPtr& version) {
    std::lock_guard lock(mu_);
    SARAI_CHECK_OK(limiter_.Add(IdOf(*version), version->spec().instance_groups));
    versions_.emplace(IdOf(*version), version);
    return {};
  }
  void Remove(const ServedVersion& version) {
    std::lock_guard lock(mu_);
    limiter_.Remove(IdOf(version));
    versions_.erase(IdOf(version));
  }

  // The instance group that runs; nothing: it waits until OnEnd names it.
  std::optional<size_t> TryStart(const ServedVersion& version) {
    std::lock_guard lock(mu_);
    return limiter_.TryStart(IdOf(version));
  }
  std::vector<VersionPtr> OnEnd(const ServedVersion& version, size_t group, bool ran) {
    std::lock_guard lock(mu_);
    std::vector<VersionPtr> due;
    for (const auto id : limiter_.OnEnd(IdOf(version), group, ran))
      if (const auto found = versions_.find(id); found != versions_.end())
        if (auto waiting = found->second.lock()) due.push_back(std::move(waiting));
    return due;
  }

 private:
  static policy::RateLimiter::Id IdOf(const ServedVersion& version) {
    return reinterpret_cast<policy::RateLimiter::Id>(&version);
  }

  // Guarded by mu_.
  std::mutex mu_;
  policy::RateLimiter limiter_;
  std::map<policy::RateLimiter::Id, std::weak_ptr<ServedVersion>> versions_;
};

}  // namespace sarai::engine
