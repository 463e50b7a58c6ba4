// Traces as OpenTelemetry spans, and the body of an OTLP/HTTP export in its JSON form.
// https://opentelemetry.io/docs/specs/otlp/ ; names of spans and attributes as Triton's.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/clock.h"
#include "types/trace.h"

namespace sarai::telemetry {

// The spans of one record, each as JSON: InferRequest (of a request that no other one caused) >
// residency > fetch, load; the model's > queue, compute > input, infer, output. `wall_offset`: what
// is to be added to a TimePoint for the time since 1970.
std::vector<std::string> SpansOf(const TraceRecord& record, Duration wall_offset,
                                 const std::function<std::string()>& new_span_id);

using ResourceAttributes = std::map<std::string, std::string>;
std::string ExportBody(const ResourceAttributes& resource, const std::vector<std::string>& spans);

}  // namespace sarai::telemetry
