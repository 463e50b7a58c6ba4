// W3C Trace Context: the traceparent header, read and written, and new ids.
// https://www.w3.org/TR/trace-context/
#pragma once

#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <string_view>

namespace sarai::telemetry {

struct TraceContext {
  std::string trace_id, span_id;  // 32 and 16 lower-case hex digits, not all zero
};
// Nothing for what is no valid traceparent: the request is then treated as if it had none.
std::optional<TraceContext> ParseTraceParent(std::string_view header);

// Threads: any.
class TraceIds {
 public:
  TraceIds();
  std::string NewTraceId();
  std::string NewSpanId();

 private:
  std::mutex mu_;
  std::mt19937_64 random_;  // guarded by mu_
};

}  // namespace sarai::telemetry
