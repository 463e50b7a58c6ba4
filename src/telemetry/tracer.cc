#include "telemetry/tracer.h"

#include <utility>

namespace sarai::telemetry {

// Shared with the traces under way, which may end after the tracer.
struct Tracer::Sinks {
  std::unique_ptr<TraceFile> file;
  std::function<void(TraceRecord)> exporter;
  std::function<void(const TraceRecord&)> access;
  mutable std::atomic<uint64_t> next_id = 1;
  mutable TraceIds ids;

  void Take(TraceRecord record, uint32_t log_frequency) const {
    if (access && record.parent_id == 0) access(record);
    if (!record.sampled) return;
    if (exporter) return exporter(std::move(record));
    if (file) file->Add(std::move(record), log_frequency);
  }

  // The record of what `parent` causes.
  TraceRecord Child(const TraceRecord& parent) const {
    return {.id = next_id.fetch_add(1),
            .parent_id = parent.id,
            .request_id = parent.request_id,
            .trace_id = parent.trace_id,
            .span_id = parent.trace_id.empty() ? "" : ids.NewSpanId(),
            .parent_span_id = parent.span_id,
            .trace_state = parent.trace_state,
            .over = Caller::Over::kStep,
            .sampled = parent.sampled};
  }
};

Tracer::Tracer(Options options)
    : options_(std::move(options)),
      sinks_([this] {
        auto sinks = std::make_shared<Sinks>();
        if (!options_.file.empty() && !opentelemetry())
          sinks->file = std::make_unique<TraceFile>(
              TraceFile::Options{.path = options_.file, .max_waiting = options_.max_waiting});
        sinks->exporter = options_.exporter;
        sinks->access = options_.access;
        return sinks;
      }()),
      table_{.start = options_.start} {
  any_ = table_.any();
}

std::string Tracer::KeyOf(const std::string& model) const {
  return table_.models.contains(model) ? model : std::string();
}

bool Tracer::Pick(const std::string& model, bool forced, TraceValues& values) {
  std::lock_guard lock(mu_);
  values = table_.Of(model);
  if (values.level.off()) return false;
  Tally& tally = tallies_.try_emplace(KeyOf(model), Tally{.left = values.count}).first->second;
  if (values.rate == 0 || tally.left == 0 || ++tally.seen % values.rate != 0) return forced;
  if (tally.left > 0) --tally.left;
  return true;
}

TracePtr Tracer::Start(const std::string& model, const std::string& request_id,
                       const Caller& caller) {
  const bool any = any_.load(std::memory_order_relaxed);
  if (!any && !options_.access) return nullptr;
  TraceRecord record{
      .model = model, .request_id = request_id, .over = caller.over, .peer = caller.peer};
  const auto context = any && opentelemetry() ? ParseTraceParent(caller.trace_parent)
                                              : std::optional<TraceContext>();
  TraceValues values;
  record.sampled = any && Pick(model, context.has_value(), values);
  if (!record.sampled && !options_.access) return nullptr;
  if (record.sampled && opentelemetry()) {
    record.trace_id = context ? context->trace_id : sinks_->ids.NewTraceId();
    record.parent_span_id = context ? context->span_id : "";
    record.trace_state = context ? caller.trace_state : "";
    record.span_id = sinks_->ids.NewSpanId();
  }
  return Make(std::move(record), values);
}

TracePtr Tracer::Make(TraceRecord record, const TraceValues& values) {
  record.id = sinks_->next_id.fetch_add(1);
  auto options = std::make_shared<RequestTrace::Options>();
  // An export is made of the times; so is the access log's line.
  const bool times_wanted = values.level.timestamps || opentelemetry();
  options->tensors = record.sampled && values.level.tensors && !opentelemetry();
  options->sink = [sinks = sinks_, frequency = values.log_frequency,
                   times_wanted](TraceRecord done) {
    if (done.sampled && !times_wanted && !sinks->access) done.stamps.clear();
    sinks->Take(std::move(done), frequency);
  };
  options->make_child = [sinks = sinks_](const TraceRecord& parent) {
    return sinks->Child(parent);
  };
  return std::make_shared<RequestTrace>(std::move(record), std::move(options));
}

TraceSettingTexts Tracer::Settings(const std::string& model) const {
  TraceSettingTexts texts;
  {
    std::lock_guard lock(mu_);
    TraceValues values = table_.Of(model);
    if (const auto tally = tallies_.find(KeyOf(model)); tally != tallies_.end())
      values.count = tally->second.left;
    texts = TraceTexts(values);
  }
  if (opentelemetry()) {
    texts.erase("log_frequency");
    texts.insert(options_.exporter_settings.begin(), options_.exporter_settings.end());
  } else {
    texts["trace_file"] = {options_.file};
  }
  texts["trace_mode"] = {opentelemetry() ? "opentelemetry" : "triton"};
  return texts;
}

Status Tracer::Update(const std::string& model, const TraceSettingTexts& changes) {
  if (changes.empty()) return {};
  std::lock_guard lock(mu_);
  SARAI_TRY(table_, UpdateTrace(table_, model, changes));
  tallies_.erase(model);  // what was set counts from here on
  any_ = table_.any();
  return {};
}

void Tracer::Flush() {
  if (sinks_->file) sinks_->file->Flush();
}

uint64_t Tracer::dropped() const { return sinks_->file ? sinks_->file->dropped() : 0; }

}  // namespace sarai::telemetry
