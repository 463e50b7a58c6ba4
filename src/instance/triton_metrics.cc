#include "instance/triton_metrics.h"

#include <functional>

#include <fmt/format.h>

namespace sarai::instance {
namespace {

using engine::DurationSum;
using engine::ModelCounters;

// One version of a loaded model, as it was when the metrics were asked for.
struct Row {
  std::string labels;  // model="m",version="1"
  const engine::ModelInfo* info;
  ModelCounters counters;
};

std::string Escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\' || c == '"') out += '\\';
    if (c == '\n')
      out += "\\n";
    else
      out += c;
  }
  return out;
}

std::string LabelsOf(const ServingModel& model, const std::string& version) {
  std::string labels =
      fmt::format(R"(model="{}",version="{}")", Escaped(model.name), Escaped(version));
  for (const auto& [name, value] : model.handle.info().spec.metric_tags)
    labels += fmt::format(R"(,_{}="{}")", name, Escaped(value));
  return labels;
}

std::vector<Row> RowsOf(const std::vector<ServingModelPtr>& models) {
  std::vector<Row> rows;
  for (const ServingModelPtr& model : models)
    for (const std::string& version : model->handle.info().versions)
      rows.push_back(
          {LabelsOf(*model, version), &model->handle.info(), model->handle.counters(version)});
  return rows;
}

class Writer {
 public:
  Writer(std::string& out, bool openmetrics) : out_(out), openmetrics_(openmetrics) {}

  void Family(const char* name, const char* help, const char* type) {
    const bool nameless = openmetrics_ && std::string_view(type) == "counter";
    fmt::format_to(std::back_inserter(out_), "# HELP {} {}\n# TYPE {} {}\n", name, help, name,
                   nameless ? "unknown" : type);
  }
  template <typename Number>
  void Sample(const char* name, std::string_view labels, Number value) {
    fmt::format_to(std::back_inserter(out_), "{}{{{}}} {}\n", name, labels, value);
  }

 private:
  std::string& out_;
  const bool openmetrics_;
};

uint64_t Micros(const DurationSum& sum) { return sum.ns / 1000; }

struct CounterFamily {
  const char* name;
  const char* help;
  uint64_t (*value)(const ModelCounters&);
};

constexpr CounterFamily kCounts[] = {
    {"nv_inference_request_success", "Successful inference requests, all batch sizes",
     [](const ModelCounters& c) { return c.success.count; }},
    {"nv_inference_count", "Inferences performed, without cached ones",
     [](const ModelCounters& c) { return c.inferences; }},
    {"nv_inference_exec_count", "Model executions, without cached requests",
     [](const ModelCounters& c) { return c.executions; }},
};
constexpr CounterFamily kLatencies[] = {
    {"nv_inference_request_duration_us", "Sum of request times in microseconds",
     [](const ModelCounters& c) { return Micros(c.success); }},
    {"nv_inference_queue_duration_us", "Sum of times in the queue in microseconds",
     [](const ModelCounters& c) { return Micros(c.queue); }},
    {"nv_inference_compute_input_duration_us", "Sum of input times in microseconds",
     [](const ModelCounters& c) { return Micros(c.compute_input); }},
    {"nv_inference_compute_infer_duration_us", "Sum of model times in microseconds",
     [](const ModelCounters& c) { return Micros(c.compute_infer); }},
    {"nv_inference_compute_output_duration_us", "Sum of output times in microseconds",
     [](const ModelCounters& c) { return Micros(c.compute_output); }},
};
constexpr CounterFamily kCache[] = {
    {"nv_cache_num_hits_per_model", "Requests answered from the response cache",
     [](const ModelCounters& c) { return c.cache_hit.count; }},
    {"nv_cache_num_misses_per_model", "Requests not found in the response cache",
     [](const ModelCounters& c) { return c.cache_miss.count; }},
    {"nv_cache_hit_duration_per_model", "Sum of times of cache hits in microseconds",
     [](const ModelCounters& c) { return Micros(c.cache_hit); }},
    {"nv_cache_miss_duration_per_model",
     "Sum of look-up and insertion times of cache misses in microseconds",
     [](const ModelCounters& c) { return Micros(c.cache_miss); }},
};

void AddCounters(Writer& writer, const std::vector<Row>& rows, const CounterFamily& family,
                 bool cached_only = false) {
  writer.Family(family.name, family.help, "counter");
  for (const Row& row : rows)
    if (!cached_only || row.info->spec.response_cache)
      writer.Sample(family.name, row.labels, family.value(row.counters));
}

void AddFailures(Writer& writer, const std::vector<Row>& rows) {
  constexpr char kName[] = "nv_inference_request_failure";
  constexpr const char* kReasons[engine::kFailureReasons] = {"REJECTED", "CANCELED", "BACKEND",
                                                             "OTHER"};
  writer.Family(kName, "Failed inference requests by reason", "counter");
  for (const Row& row : rows)
    for (int reason = 0; reason < engine::kFailureReasons; ++reason)
      writer.Sample(kName, fmt::format(R"({},reason="{}")", row.labels, kReasons[reason]),
                    row.counters.failures_by[reason]);
}

void AddGauges(Writer& writer, const std::vector<Row>& rows) {
  constexpr char kPending[] = "nv_inference_pending_request_count";
  writer.Family(kPending, "Requests that wait for execution", "gauge");
  for (const Row& row : rows) writer.Sample(kPending, row.labels, row.counters.pending);
  constexpr char kLoad[] = "nv_model_load_duration_secs";
  writer.Family(kLoad, "Time of the last load in seconds", "gauge");
  for (const Row& row : rows)
    writer.Sample(kLoad, row.labels, std::chrono::duration<double>(row.info->load_time).count());
}

}  // namespace

void TritonMetrics::AddMachine(std::string& out) {
  const TimePoint now = clock_.Now();
  std::lock_guard lock(mu_);
  if (const auto times = telemetry::MachineCpuTimes();
      times && (looked_at_ == TimePoint{} || now - looked_at_ >= options_.interval)) {
    busy_ = telemetry::BusyShare(last_, *times);
    last_ = *times;
    looked_at_ = now;
  }
  const uint64_t total = telemetry::TotalMemoryBytes().value_or(0);
  const uint64_t available = telemetry::AvailableMemoryBytes().value_or(total);
  fmt::format_to(std::back_inserter(out),
                 "# HELP nv_cpu_utilization Share of the processors' time in use, 0.0 to 1.0\n"
                 "# TYPE nv_cpu_utilization gauge\nnv_cpu_utilization {}\n"
                 "# HELP nv_cpu_memory_total_bytes Memory of the machine in bytes\n"
                 "# TYPE nv_cpu_memory_total_bytes gauge\nnv_cpu_memory_total_bytes {}\n"
                 "# HELP nv_cpu_memory_used_bytes Memory in use in bytes\n"
                 "# TYPE nv_cpu_memory_used_bytes gauge\nnv_cpu_memory_used_bytes {}\n",
                 busy_, total, total - std::min(total, available));
}

std::string TritonMetrics::Render(const std::vector<ServingModelPtr>& models, bool openmetrics) {
  const std::vector<Row> rows = RowsOf(models);
  std::string out;
  Writer writer(out, openmetrics);
  for (const CounterFamily& family : kCounts) AddCounters(writer, rows, family);
  AddFailures(writer, rows);
  if (options_.latencies)
    for (const CounterFamily& family : kLatencies) AddCounters(writer, rows, family);
  for (const CounterFamily& family : kCache) AddCounters(writer, rows, family, true);
  AddGauges(writer, rows);
  if (options_.cpu) AddMachine(out);
  return out;
}

}  // namespace sarai::instance
