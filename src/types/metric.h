// A CloudWatch datum: one statistic set at one time. Names, namespaces, dimensions and units follow
// AWS's "Monitor Amazon SageMaker AI with Amazon CloudWatch".
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"

namespace sarai {

// How often values of about one size came: logarithmic bins, each 2 % wide, so that a percentile is
// off by 1 % at most. Merging two sets loses nothing.
struct MetricBins {
  std::vector<std::pair<int32_t, double>> counts;  // (bin, how often), ascending by bin

  static int32_t BinOf(double value);  // 0 for 0, negative for negative values
  static double ValueOf(int32_t bin);  // the middle of the bin

  void Add(int32_t bin, double count);
  void Merge(const MetricBins& other);
  double Total() const;
};

struct MetricSet {
  double count = 0, sum = 0, min = 0, max = 0;
  MetricBins bins;  // of the values that came one by one; empty for a set that came as a whole

  void Add(double value);
  void Merge(const MetricSet& other);
  // `percent` in [0,100]. Nothing where it can not be known: single values were not seen and they
  // were not all the same.
  std::optional<double> Percentile(double percent) const;
};

struct MetricId {
  std::string name_space;  // "AWS/SageMaker", "/aws/sagemaker/Endpoints"
  std::string name;
  std::vector<std::pair<std::string, std::string>> dimensions;  // sorted by name

  auto operator<=>(const MetricId&) const = default;
};

struct MetricSample {
  MetricId id;
  std::string unit;  // "Microseconds", "Percent", "None", "Count"
  WallTime at;
  MetricSet values;
};

using MetricSink = std::function<void(MetricSample)>;  // any thread; must not block

}  // namespace sarai
