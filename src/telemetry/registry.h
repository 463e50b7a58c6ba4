// Inside of Registry: families by name, series by labels. Everything under one lock, which updates
// of a metric never take.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <type_traits>
#include <variant>
#include <vector>

#include "telemetry/metrics.h"

namespace sarai::telemetry {

using Series =
    std::variant<std::shared_ptr<Counter>, std::shared_ptr<Gauge>, std::shared_ptr<Histogram>>;

// One metric family as it is rendered: all its series have the same type.
struct Family {
  std::string name;
  std::string help;
  size_t type = 0;  // index into Series
  std::map<Labels, Series> series;
};

// The OpenMetrics text of the families, with "# EOF".
std::string RenderOpenMetrics(const std::vector<Family>& families);
// Prometheus' text format 0.0.4.
std::string RenderPrometheus(const std::vector<Family>& families);

struct Registry::Impl {
  // The series of that name and these labels, created if need be. A name that is already taken by
  // another type is a mistake in the program: the caller gets a metric that is never rendered.
  template <typename Metric, typename... Args>
  std::shared_ptr<Metric> Get(const std::string& name, const std::string& help, Labels labels,
                              Args&&... args) {
    std::ranges::sort(labels);
    const Series fresh = std::make_shared<Metric>(std::forward<Args>(args)...);
    std::lock_guard lock(mu);
    auto [family, is_new] = families.try_emplace(name, Family{name, help, fresh.index(), {}});
    if (family->second.type != fresh.index()) return std::get<std::shared_ptr<Metric>>(fresh);
    auto [at, inserted] = family->second.series.try_emplace(std::move(labels), fresh);
    return std::get<std::shared_ptr<Metric>>(at->second);
  }

  void Remove(const std::string& label, const std::string& value) {
    std::lock_guard lock(mu);
    for (auto& [name, family] : families) {
      std::erase_if(family.series, [&](const auto& entry) {
        return std::ranges::find(entry.first, std::pair(label, value)) != entry.first.end();
      });
    }
  }

  // Shares the metrics, so that rendering runs without the lock.
  std::vector<Family> Snapshot() const {
    std::lock_guard lock(mu);
    std::vector<Family> result;
    for (const auto& [name, family] : families) {
      if (!family.series.empty()) result.push_back(family);
    }
    return result;
  }

  mutable std::mutex mu;
  std::map<std::string, Family> families;  // guarded by mu
};

}  // namespace sarai::telemetry
