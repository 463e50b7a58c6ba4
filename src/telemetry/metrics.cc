#include "telemetry/metrics.h"

#include <algorithm>

#include "telemetry/registry.h"

namespace sarai::telemetry {
namespace {

void AddTo(std::atomic<double>& to, double by) { to.fetch_add(by, std::memory_order_relaxed); }

}  // namespace

void Counter::Add(double by) {
  if (by > 0) AddTo(value_, by);  // a counter never falls
}

void Gauge::Add(double by) { AddTo(value_, by); }

Histogram::Histogram(std::vector<double> bounds)
    : bounds_(std::move(bounds)), counts_(bounds_.size() + 1) {}

void Histogram::Observe(double value) {
  const size_t bucket = std::ranges::lower_bound(bounds_, value) - bounds_.begin();
  counts_[bucket].fetch_add(1, std::memory_order_relaxed);
  AddTo(sum_, value);
}

std::vector<uint64_t> Histogram::counts() const {
  std::vector<uint64_t> result;
  result.reserve(counts_.size());
  for (const auto& count : counts_) result.push_back(count.load(std::memory_order_relaxed));
  return result;
}

Registry::Registry() : impl_(std::make_unique<Impl>()) {}
Registry::~Registry() = default;

std::shared_ptr<Counter> Registry::GetCounter(const std::string& name, const std::string& help,
                                              const Labels& labels) {
  return impl_->Get<Counter>(name, help, labels);
}

std::shared_ptr<Gauge> Registry::GetGauge(const std::string& name, const std::string& help,
                                          const Labels& labels) {
  return impl_->Get<Gauge>(name, help, labels);
}

std::shared_ptr<Histogram> Registry::GetHistogram(const std::string& name, const std::string& help,
                                                  const std::vector<double>& bounds,
                                                  const Labels& labels) {
  return impl_->Get<Histogram>(name, help, labels, bounds);
}

void Registry::Remove(const std::string& label, const std::string& value) {
  impl_->Remove(label, value);
}

std::string Registry::Render() const { return RenderOpenMetrics(impl_->Snapshot()); }

std::string Registry::RenderPrometheus() const {
  return telemetry::RenderPrometheus(impl_->Snapshot());
}

}  // namespace sarai::telemetry
