// Keeps a host process: starts it when it is first needed and after each death, with a growing
// pause, and notices when it dies.
//
// Owns one thread, which spawns the processes and waits for their end. It is the thread whose end
// would kill them (spawn.h), so it lives as long as this object. Destruction kills the process.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "backends/host/host_life.h"
#include "backends/host/host_options.h"
#include "base/status.h"
#include "base/unique_fd.h"
#include "policy/backoff.h"

namespace sarai::backends::host {

class HostProcess {
 public:
  explicit HostProcess(const HostOptions& options);
  ~HostProcess();
  HostProcess(const HostProcess&) = delete;
  HostProcess& operator=(const HostProcess&) = delete;

  // The living process, started if there is none; callers wait for one start together. Errors:
  // kUnavailable: it died while starting, or the back-off has longer to go than a load may wait;
  // kFailedPrecondition: it cannot be started; what the backend said when it could not start.
  Result<std::shared_ptr<HostLife>> Get();

  // The living process, or null.
  std::shared_ptr<HostLife> current() const;

  // Called on the keeper's thread, once for each death of a process that had been ready.
  void OnDeath(std::function<void(Status why)> callback);

  std::string runtime_version() const;  // empty before the first start

 private:
  Result<std::shared_ptr<HostLife>> Start();
  Status AwaitBackoff();
  Result<std::shared_ptr<HostLife>> AskForSpawn();
  Status Greet(HostLife& life);

  // On the keeper's thread.
  void Keep();
  void Await(const std::shared_ptr<HostLife>& life);
  Result<std::shared_ptr<HostLife>> SpawnLife() const;
  void Bury(const std::shared_ptr<HostLife>& life);

  const HostOptions options_;
  UniqueFd wake_;  // an eventfd: a spawn is asked for, or it is time to stop

  mutable std::mutex mu_;
  std::condition_variable changed_;
  std::function<void(Status)> on_death_;  // guarded by mu_, as all below
  std::string runtime_version_;
  std::shared_ptr<HostLife> life_;  // spawned; null when there is none
  bool ready_ = false;              // life_ has answered
  bool starting_ = false;           // some caller of Get is at it
  bool spawn_asked_ = false;
  Status spawn_error_;
  bool stopping_ = false;
  policy::BackoffState backoff_;
  TimePoint start_after_{};
  Status last_death_;

  std::thread keeper_;  // last: uses everything above
};

}  // namespace sarai::backends::host
