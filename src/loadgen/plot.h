// Pictures of a report: in a terminal, and as an SVG file that stands alone.
#pragma once

#include <string>

#include "loadgen/report.h"

namespace sarai::loadgen {

// Latency by percentile, one curve per step, in characters; empty when there is nothing to show.
std::string TerminalPlot(const Report& report);

// Latency over time with cold requests marked, the distribution of latency, throughput over time;
// with several steps also latency over load. Light and dark follow the reader's preference.
std::string SvgText(const Report& report);

}  // namespace sarai::loadgen
