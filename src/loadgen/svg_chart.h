// One chart of an SVG picture: a frame, two axes, curves and dots in it.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"

namespace sarai::loadgen {

std::string EscapeXml(std::string_view text);

struct SvgAxis {
  double low = 0, high = 1;
  std::vector<std::pair<double, std::string>> ticks;
};
// Round numbers from 0 to at least `high`.
SvgAxis LinearAxis(double high, std::string_view unit);
// By the logarithm, of all from `low` to `high`.
SvgAxis LatencyAxis(Duration low, Duration high);
// Spread so that 90, 99, 99.9 % are equally far apart.
SvgAxis PercentileAxis();

double OnLatencyAxis(Duration latency);
double OnPercentileAxis(double fraction);

struct SvgPlace {
  double x = 0, y = 0, width = 0, height = 0;
};

// Coordinates are those of the axes; what lies outside is drawn at the edge.
class SvgChart {
 public:
  SvgChart(std::string_view title, const SvgPlace& place, const SvgAxis& x, const SvgAxis& y);

  // `series` is the number of its colour, from 0; a dashed one is the lesser of two.
  void Curve(const std::vector<std::pair<double, double>>& points, size_t series,
             bool dashed = false);
  void Dot(double x, double y, std::string_view css_class);
  void Legend(size_t row, std::string_view text, size_t series);

  const std::string& Text() const { return text_; }

 private:
  double X(double value) const;
  double Y(double value) const;

  const SvgPlace place_;
  const SvgAxis x_, y_;
  std::string text_;
};

// The number of colours; more series than that take the last one's.
inline constexpr size_t kSvgSeries = 8;
// Colours of a light page and of a dark one.
std::string_view SvgStyle();

}  // namespace sarai::loadgen
