// How a backend is run in a process of its own.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "backends/backend.h"
#include "backends/host/channel_pool.h"
#include "base/clock.h"
#include "policy/backoff.h"

namespace sarai::backends::host {

// OpenMP's threads wait for work by spinning unless told otherwise: with more runnable threads than
// cores that turns microseconds into time slices.
inline std::vector<std::string> DefaultEnvironment() { return {"OMP_WAIT_POLICY=PASSIVE"}; }

struct HostOptions {
  std::string backend;          // "pytorch"
  std::string library;          // path of libsarai_<backend>.so
  std::string host_executable;  // run as `host_executable backend-host …`
  BackendOptions backend_options;
  // Added to the host's environment where it has no such variable.
  std::vector<std::string> environment = DefaultEnvironment();

  ChannelCounts channels;  // calls at once
  ChannelLimits limits;
  Duration call_timeout = std::chrono::seconds(300);  // a call beyond this costs the host its life
  Duration start_timeout = std::chrono::seconds(60);  // from the start until it answers
  Duration channel_wait_max = std::chrono::seconds(60);  // for a free channel
  Duration restart_wait_max = std::chrono::seconds(2);   // a load waits this long for the back-off
  policy::BackoffOptions backoff;
  std::shared_ptr<const Clock> clock = std::make_shared<RealClock>();
};

}  // namespace sarai::backends::host
