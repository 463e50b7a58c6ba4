// When to look at a waiting model version again: batches that are due, requests that expire. One
// thread for all models, so that requests expire in time even while every lane is busy.
//
// Owned by the engine. Any thread may set. At most one alarm per version.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <thread>

#include "base/clock.h"
#include "engine/served_version.h"

namespace sarai::engine {

class Alarms {
 public:
  using Ring = std::function<void(const std::shared_ptr<ServedVersion>&)>;

  // `clock` must outlive the alarms. `ring` is called on the alarms' thread, without a lock.
  Alarms(const Clock& clock, Ring ring);
  ~Alarms();

  // Rings once, not before `at`; the earlier one counts when one is set already.
  void Set(std::shared_ptr<ServedVersion> version, TimePoint at);
  void Forget(const ServedVersion& version);
  // Reads the clock again now: for clocks that a test moves.
  void OnClockMoved();
  void Stop();  // idempotent; not from `ring`

 private:
  using Order = std::set<std::pair<TimePoint, const ServedVersion*>>;
  struct Alarm {
    std::shared_ptr<ServedVersion> version;
    TimePoint at;
  };

  void Run();
  std::shared_ptr<ServedVersion> PopDue();

  // Constant after construction.
  const Clock& clock_;
  const Ring ring_;

  // Guarded by mu_.
  std::mutex mu_;
  std::condition_variable wake_;
  std::map<const ServedVersion*, Alarm> alarms_;
  Order order_;  // of alarms_, by time
  bool stopping_ = false;

  std::thread thread_;
};

}  // namespace sarai::engine
