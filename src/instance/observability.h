// What an instance tells of single requests: traces and the access log.
//
// Its place: the core opens it first and drops it last; traces of requests under way share what
// they need. Threads: any.
#pragma once

#include <memory>

#include "base/clock.h"
#include "base/status.h"
#include "instance/instance_metrics.h"
#include "instance/options.h"
#include "instance/span_exporter.h"
#include "telemetry/line_file.h"
#include "telemetry/tracer.h"

namespace sarai::instance {

class Observability {
 public:
  // `clock` outlives it and all traces. Errors name the file or the URL.
  static Result<std::unique_ptr<Observability>> Open(const InstanceOptions& options,
                                                     const Clock& clock);

  telemetry::Tracer& tracer() { return *tracer_; }
  // What was dropped because it could not be written or sent as fast as it came.
  void SetGauges(InstanceMetrics& metrics) const;

 private:
  Observability() = default;

  std::shared_ptr<SpanExporter> spans_;              // null = none
  std::shared_ptr<telemetry::LineFile> access_log_;  // null = none
  std::unique_ptr<telemetry::Tracer> tracer_;
};

}  // namespace sarai::instance
