// Latency by percentile in braille dots: two columns and four rows of dots a character.
#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include "loadgen/plot.h"

namespace sarai::loadgen {
namespace {

constexpr int kColumns = 64, kRows = 14;  // characters
constexpr double kHighest = 0.9999;       // percentile at the right edge
constexpr size_t kMostCurves = 8;

class Canvas {
 public:
  void Dot(int x, int y) {  // from the lower left, in dots
    if (x < 0 || y < 0 || x >= kColumns * 2 || y >= kRows * 4) return;
    constexpr std::array<std::array<uint8_t, 4>, 2> kBits = {
        {{0x40, 0x04, 0x02, 0x01}, {0x80, 0x20, 0x10, 0x08}}};
    cells_[kRows - 1 - y / 4][x / 2] |= kBits[x % 2][y % 4];
  }
  std::string Row(int row) const {
    std::string text;
    for (const uint8_t cell : cells_[row]) {  // U+2800 and its 255 successors, in UTF-8
      text += '\xe2';
      text += static_cast<char>(0xa0 + (cell >> 6));
      text += static_cast<char>(0x80 + (cell & 0x3f));
    }
    return text;
  }

 private:
  std::array<std::array<uint8_t, kColumns>, kRows> cells_{};
};

// Percentiles spread so that 90, 99, 99.9 % are equally far apart.
double PercentileAt(int x) {
  const double nines = -std::log10(1 - kHighest) * x / (kColumns * 2 - 1);
  return 1 - std::pow(10, -nines);
}

struct Range {
  double low = 0, high = 1;  // log10 of nanoseconds
};

Range RangeOf(const Report& report) {
  Range range{1e9, -1e9};
  for (const StepReport& step : report.steps) {
    if (step.all.count() == 0) continue;
    range.low = std::min(range.low, std::log10(1.0 + step.all.min().count()));
    range.high = std::max(range.high, std::log10(1.0 + step.all.Percentile(kHighest).count()));
  }
  if (range.high - range.low < 0.3) range = {range.low - 0.15, range.high + 0.15};
  return range;
}

void Draw(Canvas& canvas, const Histogram& latency, const Range& range) {
  int last = -1;
  for (int x = 0; x < kColumns * 2; ++x) {
    const double nanoseconds = 1.0 + latency.Percentile(PercentileAt(x)).count();
    const int y = static_cast<int>(std::lround((std::log10(nanoseconds) - range.low) /
                                               (range.high - range.low) * (kRows * 4 - 1)));
    for (int step = last < 0 ? y : std::min(y, last + 1); step <= y; ++step) canvas.Dot(x, step);
    last = y;
  }
}

std::string AxisText() {
  std::string marks(kColumns, ' ');
  for (const auto& [fraction, text] :
       {std::pair(0.0, "min"), std::pair(0.5, "p50"), std::pair(0.9, "p90"), std::pair(0.99, "p99"),
        std::pair(0.999, "p99.9")}) {
    const double place = std::log10(1 - fraction) / std::log10(1 - kHighest);
    marks.replace(static_cast<size_t>(place * (kColumns - 1)), std::string_view(text).size(), text);
  }
  return marks;
}

}  // namespace

std::string TerminalPlot(const Report& report) {
  if (std::ranges::none_of(report.steps, [](const auto& s) { return s.all.count() > 0; }))
    return "";
  const Range range = RangeOf(report);
  Canvas canvas;
  size_t curves = 0;
  for (const StepReport& step : report.steps)
    if (step.all.count() > 0 && curves++ < kMostCurves) Draw(canvas, step.all, range);
  std::string text =
      "\nlatency by percentile" + std::string(curves > 1 ? ", one curve for each load\n" : "\n");
  for (int row = 0; row < kRows; ++row) {
    const double share = 1 - static_cast<double>(row) / (kRows - 1);
    const double at = std::pow(10, range.low + share * (range.high - range.low));
    const bool labelled = row % 3 == 0 || row == kRows - 1;
    text +=
        fmt::format("{:>9} ┤{}\n", labelled ? DurationText(Duration(static_cast<int64_t>(at))) : "",
                    canvas.Row(row));
  }
  std::string line;
  for (int column = 0; column < kColumns; ++column) line += "─";
  return text + fmt::format("{:>9} └{}\n{:>11}{}\n", "", line, "", AxisText());
}

}  // namespace sarai::loadgen
