#include "loadgen/svg_chart.h"

#include <algorithm>
#include <cmath>
#include <iterator>

#include <fmt/format.h>

namespace sarai::loadgen {
namespace {

constexpr double kHighestNines = 4;  // 99.99 %, the right edge

std::string LatencyTick(double nanoseconds) {
  if (nanoseconds < 1e3) return fmt::format("{:g} ns", nanoseconds);
  if (nanoseconds < 1e6) return fmt::format("{:g} us", nanoseconds / 1e3);
  if (nanoseconds < 1e9) return fmt::format("{:g} ms", nanoseconds / 1e6);
  return fmt::format("{:g} s", nanoseconds / 1e9);
}

double Share(const SvgAxis& axis, double value) {
  return std::clamp((value - axis.low) / (axis.high - axis.low), 0.0, 1.0);
}

}  // namespace

std::string EscapeXml(std::string_view text) {
  std::string out;
  for (const char c : text) switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      default: out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;  // XML has no form for those
    }
  return out;
}

SvgAxis LinearAxis(double high, std::string_view unit) {
  constexpr int kTicks = 4;
  const double rough = std::max(high, 1e-9) / kTicks;
  const double power = std::pow(10, std::floor(std::log10(rough)));
  double step = 10 * power;
  for (const double round : {5.0, 2.0, 1.0})
    if (round * power >= rough) step = round * power;
  SvgAxis axis;
  for (int i = 0; i == 0 || axis.ticks.back().first < high; ++i)
    axis.ticks.emplace_back(i * step, fmt::format("{:g}{}", i * step, unit));
  axis.high = axis.ticks.back().first;
  return axis;
}

double OnLatencyAxis(Duration latency) {
  return std::log10(static_cast<double>(std::max<int64_t>(latency.count(), 1)));
}

SvgAxis LatencyAxis(Duration low, Duration high) {
  constexpr double kSteps[] = {1, 2, 5};
  SvgAxis axis{.low = OnLatencyAxis(low) - 0.05, .high = OnLatencyAxis(high) + 0.05};
  const bool wide = axis.high - axis.low > 2;
  for (int power = 0; power <= 19; ++power)
    for (const double step : kSteps) {
      const double at = power + std::log10(step);
      if (at < axis.low || at > axis.high || (wide && step != 1)) continue;
      axis.ticks.emplace_back(at, LatencyTick(step * std::pow(10, power)));
    }
  return axis;
}

double OnPercentileAxis(double fraction) {
  return std::min(kHighestNines, -std::log10(std::max(1 - fraction, 1e-9)));
}

SvgAxis PercentileAxis() {
  SvgAxis axis{.low = 0, .high = kHighestNines};
  for (const auto& [fraction, text] :
       {std::pair(0.0, "min"), std::pair(0.5, "p50"), std::pair(0.9, "p90"), std::pair(0.99, "p99"),
        std::pair(0.999, "p99.9"), std::pair(0.9999, "p99.99")})
    axis.ticks.emplace_back(OnPercentileAxis(fraction), text);
  return axis;
}

double SvgChart::X(double value) const { return place_.x + Share(x_, value) * place_.width; }
double SvgChart::Y(double value) const { return place_.y + (1 - Share(y_, value)) * place_.height; }

SvgChart::SvgChart(std::string_view title, const SvgPlace& place, const SvgAxis& x,
                   const SvgAxis& y)
    : place_(place), x_(x), y_(y) {
  const auto out = std::back_inserter(text_);
  fmt::format_to(out, "<text class=\"title\" x=\"{:.1f}\" y=\"{:.1f}\">{}</text>\n", place.x,
                 place.y - 10, EscapeXml(title));
  for (const auto& [at, text] : y.ticks)
    fmt::format_to(out,
                   "<path class=\"grid\" d=\"M{:.1f} {:.1f}h{:.1f}\"/>"
                   "<text class=\"tick end\" x=\"{:.1f}\" y=\"{:.1f}\">{}</text>\n",
                   place.x, Y(at), place.width, place.x - 6, Y(at) + 4, text);
  for (const auto& [at, text] : x.ticks)
    fmt::format_to(out,
                   "<path class=\"grid\" d=\"M{:.1f} {:.1f}v{:.1f}\"/>"
                   "<text class=\"tick mid\" x=\"{:.1f}\" y=\"{:.1f}\">{}</text>\n",
                   X(at), place.y, place.height, X(at), place.y + place.height + 16, text);
}

void SvgChart::Curve(const std::vector<std::pair<double, double>>& points, size_t series,
                     bool dashed) {
  if (points.empty()) return;
  const auto out = std::back_inserter(text_);
  fmt::format_to(out, "<polyline class=\"s{}{}\" points=\"", std::min(series, kSvgSeries - 1),
                 dashed ? " dashed" : "");
  for (const auto& [x, y] : points) fmt::format_to(out, "{:.1f},{:.1f} ", X(x), Y(y));
  text_.back() = '"';
  text_ += "/>\n";
}

void SvgChart::Dot(double x, double y, std::string_view css_class) {
  fmt::format_to(std::back_inserter(text_),
                 "<circle class=\"{}\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"{}\"/>\n", css_class, X(x),
                 Y(y), css_class == "warm" ? 1.5 : 2.5);
}

void SvgChart::Legend(size_t row, std::string_view text, size_t series) {
  fmt::format_to(std::back_inserter(text_),
                 "<text class=\"legend t{}\" x=\"{:.1f}\" y=\"{:.1f}\">{}</text>\n",
                 std::min(series, kSvgSeries - 1), place_.x + 8,
                 place_.y + 16 + 15 * static_cast<double>(row), EscapeXml(text));
}

std::string_view SvgStyle() {
  return R"(<style>
svg { background: #fff; font: 12px system-ui, sans-serif; }
text { fill: #222; } .head { font-size: 15px; font-weight: 600; } .title { font-weight: 600; }
.tick { fill: #666; font-size: 11px; } .end { text-anchor: end; } .mid { text-anchor: middle; }
.grid { stroke: #ddd; fill: none; } polyline { fill: none; stroke-width: 1.6; }
.dashed { stroke-dasharray: 4 3; } .warm { fill: #1b6ec2; opacity: .45; } .cold { fill: #d1480b; }
.s0 { stroke: #1b6ec2; } .s1 { stroke: #d1480b; } .s2 { stroke: #2a8a4a; } .s3 { stroke: #8a3fb0; }
.s4 { stroke: #a67c00; } .s5 { stroke: #00838f; } .s6 { stroke: #b0306a; } .s7 { stroke: #666; }
.t0 { fill: #1b6ec2; } .t1 { fill: #d1480b; } .t2 { fill: #2a8a4a; } .t3 { fill: #8a3fb0; }
.t4 { fill: #a67c00; } .t5 { fill: #00838f; } .t6 { fill: #b0306a; } .t7 { fill: #666; }
@media (prefers-color-scheme: dark) {
svg { background: #16181c; } text { fill: #e6e6e6; } .tick { fill: #9a9a9a; }
.grid { stroke: #33363c; } polyline, circle { filter: brightness(1.4); }
}
</style>
)";
}

}  // namespace sarai::loadgen
