// A CloudWatch datum: one statistic set at one time. Names, namespaces, dimensions and units follow
// AWS's "Monitor Amazon SageMaker AI with Amazon CloudWatch".
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"

namespace sarai {

struct MetricSet {
  double count = 0, sum = 0, min = 0, max = 0;

  void Add(double value) { Merge({1, value, value, value}); }
  void Merge(const MetricSet& other) {
    if (other.count == 0) return;
    min = count == 0 ? other.min : std::min(min, other.min);
    max = count == 0 ? other.max : std::max(max, other.max);
    count += other.count;
    sum += other.sum;
  }
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
