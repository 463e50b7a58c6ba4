// Every option of control, with its default and unit. `cli` fills it from flags; nothing below
// reads the environment.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "policy/backoff.h"

namespace sarai::control {

// How instances are started; the rest of their command line comes from the endpoint.
struct LaunchOptions {
  std::string executable;  // this program, absolute; run as `… instance FLAGS`
  // Added to every instance's command line as they are: "--s3-endpoint=URL", "--wait-budget=55s".
  std::vector<std::string> flags;
  // The whole environment of every instance (credentials, proxies); a model's own Environment is
  // laid over it.
  std::map<std::string, std::string, std::less<>> environment;
  uint64_t max_log_bytes = 16ull << 20;  // a log above it is set aside as .1 when a process starts
  size_t max_old_logs = 100;             // of instances that are gone, kept at a start
  std::chrono::milliseconds stop_patience{30'000};  // between SIGTERM and SIGKILL
};

struct HealthOptions {
  Duration ping_interval = std::chrono::seconds(1);
  Duration ping_interval_starting = std::chrono::milliseconds(50);  // until it answers once
  std::chrono::milliseconds ping_timeout{2'000};
  int misses = 2;  // in a row make an instance "not ready"
  // An instance that was ready and has not been for so long is killed and started again.
  Duration unresponsive_after = std::chrono::seconds(60);
  // A deployment fails early when one of its instances has ended so often, in a row, before it was
  // ready, or has said for so long that its model can not be loaded.
  int start_attempts = 5;
  Duration fault_patience = std::chrono::seconds(15);
  // From a deployment's begin until all its instances are ready; a variant's
  // ContainerStartupHealthCheckTimeoutInSeconds goes before it.
  Duration start_timeout = std::chrono::minutes(4);
};

struct MetricOptions {
  Duration sample_interval = std::chrono::seconds(10);  // of each instance's gauges and events
  Duration flush_interval = std::chrono::seconds(1);
  // Samples beyond so many series are dropped, and that is logged.
  size_t max_series = 100'000;
  size_t max_pending = 100'000;  // distinct (series, time) between two flushes
};

struct ControlOptions {
  std::string state_directory;  // made if missing; holds control.db, metrics.db, instances/, logs/
  std::string account = "123456789012";
  std::string default_region = "us-east-1";  // of requests without a credential scope

  // Override the budgets of every instance type.
  std::optional<uint64_t> instance_memory_bytes;
  std::optional<uint64_t> instance_disk_bytes;

  LaunchOptions launch;
  HealthOptions health;
  MetricOptions metrics;
  policy::BackoffOptions restart;

  int64_t max_instances = 64;  // over all endpoints; more is ResourceLimitExceeded
  uint64_t max_body_bytes = 4ull << 20;
  int64_t max_waiting_calls = 1024;  // API calls that wait for the strand; more are throttled
  size_t decision_capacity = 4096;   // newest kept
  std::string decision_file;         // also appended there as JSON lines; empty = not
};

}  // namespace sarai::control
