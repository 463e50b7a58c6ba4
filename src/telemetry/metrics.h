// Counters, gauges and histograms of one process, and their text form (OpenMetrics). Updating one
// is a relaxed atomic; the registry's lock is taken only to create a series or to render.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace sarai::telemetry {

using Labels = std::vector<std::pair<std::string, std::string>>;

class Counter {
 public:
  void Add(double by = 1);
  double value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<double> value_ = 0;
};

class Gauge {
 public:
  void Set(double value) { value_.store(value, std::memory_order_relaxed); }
  void Add(double by);
  double value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<double> value_ = 0;
};

// Fixed upper bounds, ascending; +Inf is implied.
class Histogram {
 public:
  explicit Histogram(std::vector<double> bounds);
  void Observe(double value);
  std::span<const double> bounds() const { return bounds_; }
  std::vector<uint64_t> counts() const;  // per bucket, not cumulative; one more than bounds
  double sum() const { return sum_.load(std::memory_order_relaxed); }

 private:
  const std::vector<double> bounds_;
  std::vector<std::atomic<uint64_t>> counts_;
  std::atomic<double> sum_ = 0;
};

class Registry {
 public:
  Registry();
  ~Registry();
  // The same name and labels give the same object; it lives as long as the registry or until
  // Remove. Names follow OpenMetrics: `sarai_model_load_seconds`, counters without `_total`.
  std::shared_ptr<Counter> GetCounter(const std::string& name, const std::string& help,
                                      const Labels& labels = {});
  std::shared_ptr<Gauge> GetGauge(const std::string& name, const std::string& help,
                                  const Labels& labels = {});
  std::shared_ptr<Histogram> GetHistogram(const std::string& name, const std::string& help,
                                          const std::vector<double>& bounds,
                                          const Labels& labels = {});
  // Drops every series that carries this label (a model that is gone).
  void Remove(const std::string& label, const std::string& value);

  // OpenMetrics text, ends with "# EOF".
  std::string Render() const;
  // Prometheus' text format 0.0.4.
  std::string RenderPrometheus() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

inline constexpr char kOpenMetricsContentType[] =
    "application/openmetrics-text; version=1.0.0; charset=utf-8";
inline constexpr char kPrometheusContentType[] = "text/plain; version=0.0.4; charset=utf-8";
inline constexpr char kOpenMetricsEnd[] = "# EOF\n";

}  // namespace sarai::telemetry
