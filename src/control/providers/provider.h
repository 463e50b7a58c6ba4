// Who runs instances: as child processes here; as something else elsewhere. It does what it is told
// and says what happened; when to start again is reconcile's business.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>

namespace sarai::control {

// All that one instance is told.
struct InstanceLaunch {
  std::string id;
  std::string source_url;
  bool multi_model = true;
  uint64_t memory_bytes = 0;
  uint64_t disk_bytes = 0;
  std::map<std::string, std::string> environment;  // laid over the provider's own
};

struct ProviderEvents {
  // It listens on "host:port".
  std::function<void(std::string id, std::string address)> on_address;
  // It has ended, or could not be started; `how` is a sentence for people.
  std::function<void(std::string id, std::string how)> on_exit;
};

class InstanceProvider {
 public:
  virtual ~InstanceProvider() = default;

  // Start, Stop and Kill return at once, from any thread. Each Start is followed by exactly one
  // on_exit, and by at most one on_address before it. The events come from the provider's thread.
  virtual void Start(InstanceLaunch launch) = 0;
  virtual void Stop(std::string_view id) = 0;  // politely, then by force
  virtual void Kill(std::string_view id) = 0;

  // An id that will not be started again: what it kept on disk goes.
  virtual void Forget(std::string_view id) = 0;
  // The same for every id that is not in `known`: what earlier runs have left behind.
  virtual void ForgetAllBut(const std::set<std::string>& known) = 0;

  // Where to read what the instance has logged, for people.
  virtual std::string LogOf(std::string_view id) const = 0;

  // Stops all; no event comes after it. Blocks; idempotent.
  virtual void Shutdown() = 0;
};

}  // namespace sarai::control
