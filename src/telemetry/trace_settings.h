// What is traced: settings of the server and, over them, of single models. Values; an update gives
// new ones.
// Names and rules: Triton docs/protocol/extension_trace.md, docs/user_guide/trace.md.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"

namespace sarai::telemetry {

// As the protocols carry them: values as text, an empty list resets the setting.
using TraceSettingTexts = std::map<std::string, std::vector<std::string>>;

struct TraceLevel {
  bool timestamps = false, tensors = false;  // neither = OFF
  bool off() const { return !timestamps && !tensors; }
};

struct TraceValues {
  TraceLevel level;
  uint32_t rate = 1000;        // of so many requests one is traced; 0 = none
  int32_t count = -1;          // traces still to come; -1 = unbounded
  uint32_t log_frequency = 0;  // traces per file; 0 = all in one
};

// What was set; what was not comes from above: a model's from the server's, the server's from its
// start.
struct TraceOverrides {
  std::optional<TraceLevel> level;
  std::optional<uint32_t> rate;
  std::optional<int32_t> count;
  std::optional<uint32_t> log_frequency;

  bool empty() const { return !level && !rate && !count && !log_frequency; }
};

struct TraceTable {
  TraceValues start;
  TraceOverrides server;
  std::map<std::string, TraceOverrides> models;  // none of them is empty

  TraceValues Of(const std::string& model) const;  // empty = the server
  bool any() const;                                // is anything traced?
};

// `model` empty = the server's. Unknown names are ignored, as Triton does. Errors: kUnimplemented
// for what cannot change while it runs, kInvalidArgument names the setting and the value.
Result<TraceTable> UpdateTrace(TraceTable table, const std::string& model,
                               const TraceSettingTexts& changes);

// trace_level, trace_rate, trace_count, log_frequency.
TraceSettingTexts TraceTexts(const TraceValues& values);

}  // namespace sarai::telemetry
