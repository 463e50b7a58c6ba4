#include "control/metrics/metric_keeper.h"

#include <array>

#include "base/log.h"

namespace sarai::control {
namespace {

// An InService endpoint that nobody calls has zeros here, not gaps: scaling policies need them.
constexpr std::array<const char*, 5> kCountedPerInvocation = {
    "Invocations", "InvocationsPerInstance", "Invocation4XXErrors", "Invocation5XXErrors",
    "InvocationModelErrors"};

constexpr EpochSeconds kMinute = 60;
constexpr EpochSeconds kHour = 3600;
constexpr EpochSeconds kGrace = 5;          // samples of a minute may come so much after it
constexpr EpochSeconds kMaxCatchUp = 3600;  // minutes longer ago than this stay empty

void LogFailure(const char* what, const Status& status) {
  if (!status.ok()) LogError("control", "{}: {}", what, status.message());
}

}  // namespace

void MetricKeeper::Run() {
  Flush();
  const EpochSeconds now = SecondsOf(clock_.WallNow());
  FillIdleMinutes(now);
  ThinHourly(now);
  strand_->PostAt(clock_.Now() + options_.flush_interval, [this] { Run(); });
}

void MetricKeeper::Flush() {
  const auto [batch, dropped] = recorder_.Take();
  size_t lost = dropped;
  if (!batch.empty()) {
    const auto left_out = store_.Add(batch);
    if (!left_out) LogFailure("metrics are lost", left_out.error());
    lost += left_out.value_or(0);
  }
  if (lost > 0)
    LogWarning("control",
               "{} metric samples are dropped: more than {} series, or more than {} at "
               "once",
               lost, options_.max_series, options_.max_pending);
}

void MetricKeeper::FillIdleMinutes(EpochSeconds now) {
  const EpochSeconds current = now - now % kMinute;
  if (next_idle_minute_ == 0 || next_idle_minute_ < current - kMaxCatchUp)
    next_idle_minute_ = current;
  const FleetViewPtr fleet = fleet_();
  for (; next_idle_minute_ + kMinute + kGrace <= now; next_idle_minute_ += kMinute)
    if (fleet != nullptr) FillMinute(*fleet, next_idle_minute_);
}

void MetricKeeper::FillMinute(const FleetView& fleet, EpochSeconds minute) {
  MetricStore::Batch zeros;
  MetricSet zero;
  zero.Add(0);
  for (const auto& [name, endpoint] : fleet.endpoints) {
    for (const FleetVariant& variant : endpoint.variants)
      for (const char* const metric : kCountedPerInvocation) {
        const MetricSeries series{
            {"AWS/SageMaker", metric, {{"EndpointName", name}, {"VariantName", variant.name}}},
            "None"};
        const auto found = store_.Read(series.id, series.unit, minute, minute + kMinute);
        if (!found) return LogFailure("idle minutes are not filled", found.error());
        const auto it = found->find(series);
        if (it == found->end() || it->second.empty())
          zeros.emplace(std::pair(series, minute), zero);
      }
  }
  if (zeros.empty()) return;
  if (const auto added = store_.Add(zeros); !added)
    LogFailure("idle minutes are not filled", added.error());
}

void MetricKeeper::ThinHourly(EpochSeconds now) {
  if (now < next_thinning_) return;
  next_thinning_ = now + kHour;
  LogFailure("old metrics are not thinned", store_.Thin(now));
}

}  // namespace sarai::control
