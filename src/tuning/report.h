// What a tuning has found, as text and as one HTML page that stands alone.
#pragma once

#include <string>

#include "tuning/tune.h"

namespace sarai::tuning {

// The best, beside what was given, and the `top` of the others.
std::string TableText(const TuneReport& report, size_t top);

// The best one's config.pbtxt.
std::string BestConfigText(const TuneReport& report);

// Every configuration with its figures, and each as a dot of throughput and latency. Light and dark
// follow the reader's preference.
std::string HtmlText(const TuneReport& report);

}  // namespace sarai::tuning
