// The one model of an instance in single-model mode: loaded at start, tried again after a failure,
// asked for by /ping.
//
// Threads: any.
#pragma once

#include <mutex>
#include <string>

#include "base/clock.h"
#include "instance/model_manager.h"

namespace sarai::instance {

class SingleModel {
 public:
  // `manager` and `clock` outlive it.
  SingleModel(std::string name, Duration retry_interval, ModelManager& manager, const Clock& clock)
      : name_(std::move(name)), retry_interval_(retry_interval), manager_(manager), clock_(clock) {}

  // OK when it is loaded; otherwise says why not, and sees to it that a load is under way.
  Status Check();

 private:
  void OnLoaded(Status status);

  const std::string name_;
  const Duration retry_interval_;
  ModelManager& manager_;
  const Clock& clock_;

  std::mutex mu_;
  bool loading_ = false;  // guarded by mu_
  Status failure_;        // of the last load; guarded by mu_
  TimePoint retry_at_{};  // guarded by mu_
};

}  // namespace sarai::instance
