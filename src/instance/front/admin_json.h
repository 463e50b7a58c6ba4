// What the admin API says, as JSON and, for `sarai explain`, as text. Pure.
#pragma once

#include <string>
#include <vector>

#include "instance/event_log.h"
#include "instance/model_manager.h"
#include "instance/process_sampler.h"
#include "instance/residency_feed.h"
#include "types/decision.h"

namespace sarai::instance {

struct StatusFacts {
  std::string instance_id;
  Status ready;
  Totals totals;
  ProcessSample process;
  int cpu_count = 1;
  uint64_t machine_memory_bytes = 0;
  double disk_percent = 0;  // of the budget, or of the file system
};

std::string ResidencyJson(const ResidencySnapshot& snapshot);
std::string StatusJson(const StatusFacts& facts);
std::string EventsJson(const std::vector<ModelEvent>& events, uint64_t since);
std::string DecisionsJson(const std::vector<Decision>& decisions, uint64_t since);
std::string ExplainJson(const Explanation& explanation, const std::vector<Decision>& history,
                        const std::string& instance_id);
std::string ExplainText(const Explanation& explanation, const std::vector<Decision>& history,
                        const std::string& instance_id);

}  // namespace sarai::instance
