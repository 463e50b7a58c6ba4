// policy::RateLimiter for the engine's threads: which version may start a run now, and who is
// called when one has ended. Any thread; calls nobody itself.
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
  // Those that are called must ask (TryStart) once more.
  std::vector<VersionPtr> Remove(const ServedVersion& version) {
    std::lock_guard lock(mu_);
    versions_.erase(IdOf(version));
    return Versions(limiter_.Remove(IdOf(version)));
  }

  // The instance group that runs; nothing: it waits until it is called.
  std::optional<size_t> TryStart(const ServedVersion& version) {
    std::lock_guard lock(mu_);
    return limiter_.TryStart(IdOf(version));
  }
  std::vector<VersionPtr> OnEnd(const ServedVersion& version, size_t group,
                                const policy::RateLimiter::Ended& ended) {
    std::lock_guard lock(mu_);
    return Versions(limiter_.OnEnd(IdOf(version), group, ended));
  }

 private:
  static policy::RateLimiter::Id IdOf(const ServedVersion& version) {
    return reinterpret_cast<policy::RateLimiter::Id>(&version);
  }

  std::vector<VersionPtr> Versions(const std::vector<policy::RateLimiter::Id>& ids) const {
    std::vector<VersionPtr> found;
    for (const auto id : ids)
      if (const auto entry = versions_.find(id); entry != versions_.end())
        if (auto version = entry->second.lock()) found.push_back(std::move(version));
    return found;
  }

  // Guarded by mu_.
  std::mutex mu_;
  policy::RateLimiter limiter_;
  std::map<policy::RateLimiter::Id, std::weak_ptr<ServedVersion>> versions_;
};

}  // namespace sarai::engine
