#include "policy/residency/worth.h"

#include <algorithm>

#include "base/bytes.h"

namespace sarai::policy::residency {
namespace {

// Guesses before the first measurement: a session create and a read from a local disk; a request to
// an object store and a download.
constexpr double kLoadSeconds = 0.05, kLoadBytesPerSecond = 1e9;
constexpr double kFetchSeconds = 0.1, kFetchBytesPerSecond = 1e8;
constexpr Bytes kSmallest = 4096;  // nothing is smaller than a page

double Seconds(Duration d) { return std::chrono::duration<double>(d).count(); }

double LoadCost(const Model& model) {
  if (model.load_time > Duration{0}) return Seconds(model.load_time);
  return kLoadSeconds + static_cast<double>(model.file_bytes) / kLoadBytesPerSecond;
}

double FetchCost(const Model& model) {
  if (model.fetch_time > Duration{0}) return Seconds(model.fetch_time);
  return kFetchSeconds + static_cast<double>(model.file_bytes) / kFetchBytesPerSecond;
}

double GiB(Bytes bytes) {
  return static_cast<double>(std::max(bytes, kSmallest)) / static_cast<double>(kGiB);
}

}  // namespace

double Worth::ReusePerHour(const Model& model, TimePoint now) const {
  const bool young = model.state == ModelState::kReady && now < model.state_since + churn_guard_;
  const double score = model.reuse.Score(now, time_constant_) + (young ? 1 : 0);
  return score * 3600 / std::max(Seconds(time_constant_), 1e-9);
}

double Worth::InMemory(const Model& model, TimePoint now) const {
  return ReusePerHour(model, now) * LoadCost(model) / GiB(model.memory.bytes);
}

double Worth::OnDisk(const Model& model, TimePoint now) const {
  const double load = model.state == ModelState::kReady ? LoadCost(model) : 0;
  return ReusePerHour(model, now) * (FetchCost(model) + load) / GiB(model.disk.bytes);
}

}  // namespace sarai::policy::residency
