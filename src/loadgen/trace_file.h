// Recorded requests: which model, and, where it was recorded, when.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/status.h"

namespace sarai::loadgen {

struct Trace {
  std::vector<std::string> models;  // distinct, in the order of their first request
  std::vector<uint32_t> order;      // per request, an index into `models`
  std::vector<Duration> at;         // per request, ascending from 0; empty = the file has no times
};

// CSV whose first line names the columns: `model`, and optionally one of `at_s`, `at_ms`,
// `timestamp` (seconds since any moment). Other columns are passed over. Errors name the line.
Result<Trace> ParseTrace(std::string_view csv);

}  // namespace sarai::loadgen
