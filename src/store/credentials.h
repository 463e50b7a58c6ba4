// AWS credentials from wherever they are, kept until shortly before they expire.
//
// The order: environment, web identity, profile, container, instance metadata. The first source
// that is configured decides; one that is configured and fails ends the search with its error, so
// that nobody runs with an identity other than the one that was meant.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/status.h"

namespace sarai::store {

struct Credentials {
  std::string access_key_id;
  std::string secret_access_key;
  std::string session_token;  // empty for long-lived keys
  std::optional<WallTime> expires;
  std::string source;  // "environment", "profile 'x'", …
};

// kNotFound = not configured here, ask the next one.
struct CredentialSource {
  std::string name;
  std::function<Result<Credentials>()> read;
};

// Owned by one store; outlived by `clock`. Any thread; one refreshes, the others go on with what
// they have while it is valid. Sources are asked without any lock held.
class CredentialsProvider {
 public:
  CredentialsProvider(std::vector<CredentialSource> sources, const Clock& clock)
      : sources_(std::move(sources)), clock_(clock) {}

  // Error: kPermissionDenied when no source has any, saying for each why not; or the error of the
  // source that is configured. A failure is remembered for a few seconds.
  Result<Credentials> Get();

  // The server refused these as expired: the next Get asks the sources again.
  void Forget(const Credentials& refused);

 private:
  Result<Credentials> Ask() const;
  bool ValidFor(Duration time) const;  // with mu_ held

  const std::vector<CredentialSource> sources_;
  const Clock& clock_;
  std::mutex mu_;
  std::condition_variable refreshed_;
  std::optional<Credentials> known_;  // guarded by mu_
  std::optional<Status> failure_;     // guarded by mu_: of the last time they were asked
  TimePoint next_try_{};              // guarded by mu_
  bool refreshing_ = false;           // guarded by mu_
};

}  // namespace sarai::store
