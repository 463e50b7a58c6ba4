// The worker threads of one device, shared by all its models: a line of model versions that have
// something to do, each served one batch and then sent to the end of the line. A model that is
// flooded therefore delays the others by one of its batches, not by its queue.
//
// Owned by the engine. Threads: any may schedule. What a turn does is the engine's business.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "engine/served_version.h"

namespace sarai::engine {

class Lanes {
 public:
  using TakeTurn = std::function<void(const std::shared_ptr<ServedVersion>&)>;

  // `clock` must outlive the lanes. `take_turn` is called on a lane, without a lock.
  Lanes(int count, const Clock& clock, TakeTurn take_turn);
  ~Lanes();

  // The version goes to the end of the line. Dropped after Stop.
  void Schedule(std::shared_ptr<ServedVersion> version);
  // Whether a lane is free and nobody is in line for it. Then the caller may run one turn in its
  // place, and calls Leave.
  bool TryEnter();
  void Leave();
  // Running turns end, waiting ones are dropped. Idempotent; not from a lane.
  void Stop();

  // Share of the time since the last call (or the start) that the lanes were busy, 0..1.
  double TakeUtilization();

 private:
  void Run();
  void CountBusy(int change);

  // Constant after construction.
  const Clock& clock_;
  const TakeTurn take_turn_;
  const int count_;

  // Guarded by mu_.
  std::mutex mu_;
  std::condition_variable wake_;
  std::deque<std::shared_ptr<ServedVersion>> line_;
  bool stopping_ = false;
  int busy_ = 0;           // turns under way, on lanes and in their place; at most count_
  int asleep_ = 0;         // lanes that wait
  TimePoint busy_since_;   // of the last change of busy_
  Duration busy_time_{0};  // lanes × time since measured_from_, up to busy_since_
  TimePoint measured_from_;

  std::vector<std::thread> threads_;
};

}  // namespace sarai::engine
