// Which model is where, told to whoever watches: a version number and the whole list, answered when
// something has changed. Changes that come close together go out as one.
//
// Its place: lives on the model manager's strand; all methods are called there.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <vector>

#include "base/clock.h"
#include "base/executor.h"
#include "types/residency.h"

namespace sarai::instance {

struct ResidencySnapshot {
  uint64_t version = 0;
  std::vector<ModelResidency> models;
};
using ResidencySnapshotPtr = std::shared_ptr<const ResidencySnapshot>;
using ResidencyCallback = std::move_only_function<void(ResidencySnapshotPtr)>;

class ResidencyFeed {
 public:
  struct Options {
    Duration interval = std::chrono::milliseconds(50);  // between two versions
    uint32_t max_watchers = 64;                         // further ones are answered at once
  };
  // `collect` reads the current rows; called on the strand.
  ResidencyFeed(Options options, Executor& strand, const Clock& clock,
                std::function<std::vector<ModelResidency>()> collect);

  // Something may have changed.
  void Touch();
  // Answers when the version is not `since`, or after `wait`.
  void Watch(uint64_t since, Duration wait, ResidencyCallback answer);
  // Answers everybody now, and at once from now on.
  void Stop();

 private:
  struct Watcher {
    uint64_t id;
    ResidencyCallback answer;
  };
  void Publish();
  void EndWait(uint64_t id);

  const Options options_;
  Executor& strand_;
  const Clock& clock_;
  const std::function<std::vector<ModelResidency>()> collect_;
  ResidencySnapshotPtr latest_ = std::make_shared<const ResidencySnapshot>();
  std::list<Watcher> watchers_;
  uint64_t next_watcher_ = 1;
  TimePoint published_at_{};
  bool scheduled_ = false;
  bool stopped_ = false;
};

}  // namespace sarai::instance
