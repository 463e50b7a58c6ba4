// Asks each running instance for its gauges and for what it has fetched, loaded and unloaded, and
// turns the answers into CloudWatch's metrics.
//
// Owner: Control. Threads: the strand; answers are read on the network's thread and touch only the
// recorder.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/executor.h"
#include "control/fleet.h"
#include "control/metrics/metric_recorder.h"
#include "net/transport.h"

namespace sarai::control {

class InstanceSampler {
 public:
  InstanceSampler(const ControlOptions& options, const Fleet& fleet, net::Transport& transport,
                  const Clock& clock, std::shared_ptr<Executor> strand,
                  std::shared_ptr<MetricRecorder> recorder)
      : options_(options),
        fleet_(fleet),
        transport_(transport),
        clock_(clock),
        strand_(std::move(strand)),
        recorder_(std::move(recorder)) {}

  // Samples now and then once an interval, for as long as the strand runs.
  void Run();

 private:
  struct Feed {
    uint64_t run = 0;  // of the instance's process; a new one counts its events anew
    int64_t since = 0;
  };

  void AskStatus(const Instance& instance);
  void AskEvents(const std::string& id, const Instance& instance);

  const ControlOptions& options_;
  const Fleet& fleet_;
  net::Transport& transport_;
  const Clock& clock_;
  const std::shared_ptr<Executor> strand_;
  const std::shared_ptr<MetricRecorder> recorder_;
  std::map<std::string, Feed, std::less<>> feeds_;  // by instance
};

// The body of GET /sarai/v1/status as samples; what is missing in it is left out.
std::vector<MetricSample> GaugesOf(std::string_view status, const std::string& endpoint,
                                   const std::string& variant, WallTime now);

struct EventSamples {
  std::vector<MetricSample> samples;
  int64_t next = 0;
};
// The body of GET /sarai/v1/events.
EventSamples EventsOf(std::string_view events, const std::string& endpoint,
                      const std::string& variant);

}  // namespace sarai::control
