#include "telemetry/otlp.h"

#include <optional>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "base/strings.h"
#include "wire/json/text.h"

namespace sarai::telemetry {
namespace {

using enum TraceActivity;

constexpr int kInternalSpan = 1, kServerSpan = 2;  // SpanKind
constexpr int kErrorStatus = 2;                    // StatusCode

std::string Quoted(std::string_view text) {
  std::string out;
  json::AppendString(out, json::ToValidUtf8(text));
  return out;
}

std::string Attribute(std::string_view name, std::string_view value) {
  return fmt::format(R"({{"key":{},"value":{{"stringValue":{}}}}})", Quoted(name), Quoted(value));
}

std::string Attribute(std::string_view name, uint64_t value) {
  return fmt::format(R"({{"key":{},"value":{{"intValue":"{}"}}}})", Quoted(name), value);
}

std::string Flag(std::string_view name, bool value) {
  return fmt::format(R"({{"key":{},"value":{{"boolValue":{}}}}})", Quoted(name), value);
}

class SpanWriter {
 public:
  SpanWriter(const TraceRecord& record, Duration wall_offset,
             const std::function<std::string()>& new_span_id)
      : record_(record), wall_offset_(wall_offset), new_span_id_(new_span_id) {}

  struct Span {
    std::string_view name;
    std::string id, parent;
    std::optional<TimePoint> start, end;
    int kind = kInternalSpan;
    std::vector<std::string> attributes = {};
  };
  // A span whose start or end was not reached is left out. Returns its id for those below it.
  std::string Add(Span span) {
    if (span.id.empty()) span.id = new_span_id_();
    if (!span.start || !span.end) return span.id;
    std::string text = fmt::format(
        R"({{"traceId":"{}","spanId":"{}","parentSpanId":"{}","traceState":{},"name":{},"kind":{})",
        record_.trace_id, span.id, span.parent, Quoted(record_.trace_state), Quoted(span.name),
        span.kind);
    text += fmt::format(R"(,"startTimeUnixNano":"{}","endTimeUnixNano":"{}","attributes":[{}])",
                        Nanos(*span.start), Nanos(*span.end), Join(span.attributes, ","));
    if (!record_.error.empty() && !span.attributes.empty())
      text += fmt::format(R"(,"status":{{"code":{},"message":{}}})", kErrorStatus,
                          Quoted(record_.error));
    spans_.push_back(text + "}");
    return span.id;
  }
  std::string Add(std::string_view name, const std::string& parent, TraceActivity start,
                  TraceActivity end) {
    return Add(
        {.name = name, .parent = parent, .start = record_.At(start), .end = record_.At(end)});
  }
  std::vector<std::string> Done() && { return std::move(spans_); }

 private:
  int64_t Nanos(TimePoint at) const { return (at.time_since_epoch() + wall_offset_).count(); }

  const TraceRecord& record_;
  const Duration wall_offset_;
  const std::function<std::string()>& new_span_id_;
  std::vector<std::string> spans_;
};

std::vector<std::string> AttributesOf(const TraceRecord& record) {
  std::vector<std::string> attributes = {Attribute("triton.model_name", record.model),
                                         Attribute("triton.model_version", record.version),
                                         Attribute("triton.trace_id", record.id),
                                         Attribute("triton.trace_parent_id", record.parent_id)};
  if (!record.request_id.empty())
    attributes.push_back(Attribute("triton.request_id", record.request_id));
  attributes.push_back(Flag("sarai.cold", record.cold));
  return attributes;
}

}  // namespace

std::vector<std::string> SpansOf(const TraceRecord& record, Duration wall_offset,
                                 const std::function<std::string()>& new_span_id) {
  SpanWriter writer(record, wall_offset, new_span_id);
  const auto start = record.At(kRequestStart), end = record.At(kRequestEnd);
  std::string parent = record.parent_span_id;
  if (record.parent_id == 0)
    parent = writer.Add({.name = "InferRequest",
                         .parent = parent,
                         .start = start,
                         .end = end,
                         .kind = kServerSpan,
                         .attributes = AttributesOf(record)});
  const std::string model = writer.Add({.name = record.model,
                                        .id = record.span_id,
                                        .parent = parent,
                                        .start = start,
                                        .end = end,
                                        .attributes = AttributesOf(record)});
  const std::string wait = writer.Add("residency", model, kResidencyStart, kResidencyEnd);
  writer.Add("fetch", wait, kFetchStart, kFetchEnd);
  writer.Add("load", wait, kLoadStart, kLoadEnd);
  writer.Add("queue", model, kQueueStart, kComputeStart);
  const std::string compute = writer.Add("compute", model, kComputeStart, kComputeEnd);
  writer.Add("input", compute, kComputeStart, kComputeInputEnd);
  writer.Add("infer", compute, kComputeInputEnd, kComputeOutputStart);
  writer.Add("output", compute, kComputeOutputStart, kComputeEnd);
  return std::move(writer).Done();
}

std::string ExportBody(const ResourceAttributes& resource, const std::vector<std::string>& spans) {
  std::vector<std::string> attributes;
  for (const auto& [name, value] : resource) attributes.push_back(Attribute(name, value));
  const std::string scope =
      fmt::format(R"({{"scope":{{"name":"sarai"}},"spans":[{}]}})", Join(spans, ","));
  return fmt::format(
      R"({{"resourceSpans":[{{"resource":{{"attributes":[{}]}},"scopeSpans":[{}]}}]}})",
      Join(attributes, ","), scope);
}

}  // namespace sarai::telemetry
