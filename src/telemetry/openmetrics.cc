// OpenMetrics 1.0 text (https://prometheus.io/docs/specs/om/open_metrics_spec/).
#include <cmath>

#include <fmt/format.h>

#include "telemetry/registry.h"

namespace sarai::telemetry {
namespace {

// In help texts and label values alike, backslash, quote and line feed are escaped.
std::string Escape(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == '\n') {
      out += "\\n";
      continue;
    }
    if (c == '\\' || c == '"') out += '\\';
    out += c;
  }
  return out;
}

std::string Number(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  return fmt::format("{}", value);
}

std::string LabelText(const Labels& labels, std::string_view le = {}) {
  std::string out;
  for (const auto& [name, value] : labels) {
    out += fmt::format("{}{}=\"{}\"", out.empty() ? "" : ",", name, Escape(value));
  }
  if (!le.empty()) out += fmt::format("{}le=\"{}\"", out.empty() ? "" : ",", le);
  return out.empty() ? "" : "{" + out + "}";
}

// Bounds are floats in OpenMetrics: "1.0", never "1", so that all exporters name a bucket alike.
std::string BoundText(double bound) {
  const std::string text = Number(bound);
  return text.find_first_not_of("-0123456789") == std::string::npos ? text + ".0" : text;
}

struct SeriesWriter {
  std::string& out;
  const std::string& name;
  const Labels& labels;

  void operator()(const std::shared_ptr<Counter>& counter) const {
    out += fmt::format("{}_total{} {}\n", name, LabelText(labels), Number(counter->value()));
  }
  void operator()(const std::shared_ptr<Gauge>& gauge) const {
    out += fmt::format("{}{} {}\n", name, LabelText(labels), Number(gauge->value()));
  }
  void operator()(const std::shared_ptr<Histogram>& histogram) const {
    uint64_t total = 0;
    size_t i = 0;
    const auto bounds = histogram->bounds();
    for (uint64_t count : histogram->counts()) {
      total += count;
      const std::string le = i < bounds.size() ? BoundText(bounds[i]) : "+Inf";
      out += fmt::format("{}_bucket{} {}\n", name, LabelText(labels, le), total);
      ++i;
    }
    out += fmt::format("{}_count{} {}\n", name, LabelText(labels), total);
    out += fmt::format("{}_sum{} {}\n", name, LabelText(labels), Number(histogram->sum()));
  }
};

// A unit may be declared only if the name ends with it.
std::string_view UnitOf(std::string_view name) {
  for (std::string_view unit : {"seconds", "bytes", "ratio"}) {
    if (name.size() > unit.size() && name.ends_with(unit) &&
        name[name.size() - unit.size() - 1] == '_') {
      return unit;
    }
  }
  return {};
}

}  // namespace

namespace {

constexpr std::string_view kTypes[] = {"counter", "gauge", "histogram"};
constexpr size_t kCounterType = 0;

void AddHelp(std::string& out, const std::string& name, const Family& family) {
  if (!family.help.empty()) out += fmt::format("# HELP {} {}\n", name, Escape(family.help));
}

void AddSeries(std::string& out, const Family& family) {
  for (const auto& [labels, series] : family.series)
    std::visit(SeriesWriter{out, family.name, labels}, series);
}

}  // namespace

std::string RenderOpenMetrics(const std::vector<Family>& families) {
  std::string out;
  for (const Family& family : families) {
    out += fmt::format("# TYPE {} {}\n", family.name, kTypes[family.type]);
    if (auto unit = UnitOf(family.name); !unit.empty())
      out += fmt::format("# UNIT {} {}\n", family.name, unit);
    AddHelp(out, family.name, family);
    AddSeries(out, family);
  }
  return out + kOpenMetricsEnd;
}

// There a counter's family has its samples' name.
std::string RenderPrometheus(const std::vector<Family>& families) {
  std::string out;
  for (const Family& family : families) {
    const std::string name = family.name + (family.type == kCounterType ? "_total" : "");
    out += fmt::format("# TYPE {} {}\n", name, kTypes[family.type]);
    AddHelp(out, name, family);
    AddSeries(out, family);
  }
  return out;
}

}  // namespace sarai::telemetry
