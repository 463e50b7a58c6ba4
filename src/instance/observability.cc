#include "instance/observability.h"

#include <utility>

#include "telemetry/access_line.h"

namespace sarai::instance {
namespace {

telemetry::TraceSettingTexts Shown(const SpanExporterOptions& options) {
  telemetry::TraceSettingTexts texts = {
      {"url", {options.url}},
      {"bsp_max_queue_size", {std::to_string(options.max_queue_size)}},
      {"bsp_schedule_delay", {std::to_string(options.schedule_delay.count())}},
      {"bsp_max_export_batch_size", {std::to_string(options.max_batch)}}};
  for (const auto& [name, value] : options.resource) texts[name] = {value};
  return texts;
}

// A record is complete somewhat after the request was answered.
WallTime EndOf(const TraceRecord& record, const Clock& clock) {
  const TimePoint now = clock.Now();
  const auto since = now - record.At(TraceActivity::kRequestEnd).value_or(now);
  return clock.WallNow() - std::chrono::duration_cast<std::chrono::microseconds>(since);
}

}  // namespace

Result<std::unique_ptr<Observability>> Observability::Open(const InstanceOptions& options,
                                                           const Clock& clock) {
  std::unique_ptr<Observability> self(new Observability());
  telemetry::Tracer::Options tracer{.start = options.trace, .file = options.trace_file};
  if (options.trace_opentelemetry) {
    SARAI_TRY(self->spans_, SpanExporter::Make(options.spans, clock));
    tracer.exporter = [spans = self->spans_](TraceRecord record) { spans->Add(std::move(record)); };
    tracer.exporter_settings = Shown(options.spans);
  }
  if (!options.access_log.empty()) {
    SARAI_TRY(self->access_log_, telemetry::LineFile::Open({.path = options.access_log}));
    tracer.access = [log = self->access_log_, &clock](const TraceRecord& record) {
      log->Add(telemetry::AccessLine(record, EndOf(record, clock)));
    };
  }
  self->tracer_ = std::make_unique<telemetry::Tracer>(std::move(tracer));
  return self;
}

void Observability::SetGauges(InstanceMetrics& metrics) const {
  const auto set = [&metrics](const char* name, const char* help, uint64_t value) {
    metrics.SetGauge(name, help, static_cast<double>(value));
  };
  set("sarai_traces_dropped", "Traces that did not get into the trace file", tracer_->dropped());
  if (spans_ != nullptr) {
    set("sarai_spans_sent", "Spans that the collector has taken", spans_->sent());
    set("sarai_spans_dropped", "Spans that no collector has taken", spans_->dropped());
  }
  if (access_log_ != nullptr)
    set("sarai_access_lines_dropped", "Lines that did not get into the access log",
        access_log_->dropped());
}

}  // namespace sarai::instance
