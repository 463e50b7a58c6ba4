// A report as a picture: one chart below the other.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "loadgen/plot.h"
#include "loadgen/svg_chart.h"

namespace sarai::loadgen {
namespace {

constexpr double kWidth = 860, kLeft = 76, kRight = 24, kHead = 62;
constexpr double kChart = 220, kGap = 64;  // heights
constexpr double kHighest = 0.9999;

SvgPlace Place(size_t row) {
  return {kLeft, kHead + 24 + static_cast<double>(row) * (kChart + kGap), kWidth - kLeft - kRight,
          kChart};
}

SvgAxis LatenciesOf(const Report& report) {
  Duration low = Duration::max(), high{1};
  for (const StepReport& step : report.steps) {
    if (step.all.count() == 0) continue;
    low = std::min(low, step.all.min());
    high = std::max(high, step.all.max());
  }
  return LatencyAxis(std::min(low, high), high);
}

SvgAxis TimeAxis(const StepReport& step) {
  return LinearAxis(Milliseconds(step.tally.slice_length() * step.tally.slices().size()) / 1e3,
                    " s");
}

std::string OverTime(const Report& report, const StepReport& step, size_t row) {
  SvgChart chart("latency over time, cold requests marked (" + step.load + ")", Place(row),
                 TimeAxis(step), LatenciesOf(report));
  for (const Sample& sample : step.tally.warm_samples())
    chart.Dot(Milliseconds(sample.at) / 1e3, OnLatencyAxis(sample.latency), "warm");
  for (const Sample& sample : step.tally.cold_samples())
    chart.Dot(Milliseconds(sample.at) / 1e3, OnLatencyAxis(sample.latency), "cold");
  return chart.Text();
}

std::string ThroughputOverTime(const StepReport& step, size_t row) {
  const double width = Milliseconds(step.tally.slice_length()) / 1e3;
  std::vector<std::pair<double, double>> answered, bad;
  double high = 1;
  for (const Slice& slice : step.tally.slices()) {
    const double at = (static_cast<double>(answered.size()) + 0.5) * width;
    answered.emplace_back(at, static_cast<double>(slice.latency.count()) / width);
    bad.emplace_back(at, static_cast<double>(slice.errors + slice.refused) / width);
    high = std::max({high, answered.back().second, bad.back().second});
  }
  SvgChart chart("requests per second, by when they were due", Place(row), TimeAxis(step),
                 LinearAxis(high, ""));
  chart.Curve(answered, 0);
  chart.Curve(bad, 1, true);
  chart.Legend(0, "answered", 0);
  chart.Legend(1, "failed or not sent", 1);
  return chart.Text();
}

std::string Distribution(const Report& report, size_t row) {
  SvgChart chart("latency by percentile", Place(row), PercentileAxis(), LatenciesOf(report));
  size_t series = 0;
  for (const StepReport& step : report.steps) {
    if (step.all.count() == 0 || series == kSvgSeries) continue;
    std::vector<std::pair<double, double>> points;
    for (double nines = 0; nines <= OnPercentileAxis(kHighest); nines += 0.02)
      points.emplace_back(nines, OnLatencyAxis(step.all.Percentile(1 - std::pow(10, -nines))));
    chart.Curve(points, series);
    chart.Legend(series, step.load, series);
    ++series;
  }
  return chart.Text();
}

std::string OverLoad(const Report& report, size_t row) {
  std::vector<std::pair<double, double>> p50, p99;
  double high = 1;
  for (const StepReport& step : report.steps) {
    if (step.all.count() == 0) continue;
    high = std::max(high, step.requests_per_second());
    p50.emplace_back(step.requests_per_second(), OnLatencyAxis(step.all.Percentile(0.5)));
    p99.emplace_back(step.requests_per_second(), OnLatencyAxis(step.all.Percentile(0.99)));
  }
  SvgChart chart("latency over requests answered per second, a point for each load", Place(row),
                 LinearAxis(high, "/s"), LatenciesOf(report));
  chart.Curve(p50, 0);
  chart.Curve(p99, 1);
  for (const auto& [x, y] : p50) chart.Dot(x, y, "warm");
  for (const auto& [x, y] : p99) chart.Dot(x, y, "cold");
  chart.Legend(0, "p99", 1);
  chart.Legend(1, "p50", 0);
  return chart.Text();
}

}  // namespace

std::string SvgText(const Report& report) {
  std::vector<std::string> charts;
  if (report.steps.size() > 1) charts.push_back(OverLoad(report, charts.size()));
  if (!report.steps.empty()) charts.push_back(Distribution(report, charts.size()));
  if (report.steps.size() == 1) {
    charts.push_back(OverTime(report, report.steps[0], charts.size()));
    charts.push_back(ThroughputOverTime(report.steps[0], charts.size()));
  }
  const double height = Place(charts.size()).y - 20;
  std::string svg = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" "
      "height=\"{1}\">\n{2}"
      "<text class=\"head\" x=\"20\" y=\"28\">{3}</text>\n<text x=\"20\" y=\"48\">{4}</text>\n",
      kWidth, height, SvgStyle(), EscapeXml(report.workload), EscapeXml(report.target));
  for (const std::string& chart : charts) svg += chart;
  return svg + "</svg>\n";
}

}  // namespace sarai::loadgen
