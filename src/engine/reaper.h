// Frees models that are finished, on its own thread: giving back a framework's memory may take
// milliseconds, which no lane and no request should wait for. After each sweep the backends
// concerned are asked once to return what was left behind to the system.
//
// Owned by the engine. Any thread may hand in.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "engine/served_version.h"

namespace sarai::engine {

class Reaper {
 public:
  Reaper();
  ~Reaper();

  // Destroys the version's framework object, tells its Departure, then tidies its backend.
  void Rest(std::shared_ptr<ServedVersion> version);
  // Only tidies: after a load.
  void Tidy(backends::Backend* backend);
  // Ends after all that was handed in. Idempotent; not from a Departure's `done`.
  void Stop();

 private:
  void Run();

  // Guarded by mu_.
  std::mutex mu_;
  std::condition_variable wake_;
  std::vector<std::shared_ptr<ServedVersion>> resting_;
  std::set<backends::Backend*> untidy_;
  bool stopping_ = false;

  std::thread thread_;
};

}  // namespace sarai::engine
