// CloudWatch's data on disk: statistic sets per metric and ten seconds, thinned as they age.
//
// Its place: the recorder hands it what has come in, queries read it. Owner: Control. Threads: the
// metrics strand only. Invariant: what is added twice is counted twice, in whichever batch it
// comes.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"
#include "types/metric.h"

namespace SQLite {
class Database;
}

namespace sarai::control {

using EpochSeconds = int64_t;

EpochSeconds SecondsOf(WallTime time);

inline constexpr EpochSeconds kMetricResolution = 10;

// One metric of one unit.
struct MetricSeries {
  MetricId id;
  std::string unit;

  auto operator<=>(const MetricSeries&) const = default;
};

// A set of values and when its ten seconds (or, thinned, its minute, …) began.
struct MetricPoint {
  EpochSeconds start = 0;
  MetricSet values;
};

struct SeriesFilter {
  std::optional<std::string> name_space, name;
  // Each must be there; with this value where one is given.
  std::vector<std::pair<std::string, std::optional<std::string>>> dimensions;
  EpochSeconds seen_since = 0;
};

class MetricStore {
 public:
  using Batch = std::map<std::pair<MetricSeries, EpochSeconds>, MetricSet>;

  static Result<std::unique_ptr<MetricStore>> Open(const std::string& path, size_t max_series);
  ~MetricStore();

  // One commit. Series beyond the bound are left out; returns how many sets that were.
  Result<size_t> Add(const Batch& batch);

  // Points of [from, to), by time. Without a unit all units count, one series each.
  Result<std::map<MetricSeries, std::vector<MetricPoint>>> Read(
      const MetricId& id, const std::optional<std::string>& unit, EpochSeconds from,
      EpochSeconds to);

  // By name; at most `limit`, those after `after`.
  Result<std::vector<MetricId>> List(const SeriesFilter& filter,
                                     const std::optional<MetricId>& after, size_t limit);

  // Merges old points into coarser ones and drops the oldest, as CloudWatch's retention says.
  Status Thin(EpochSeconds now);

 private:
  explicit MetricStore(std::unique_ptr<SQLite::Database> database, size_t max_series);
  Status LoadSeries();
  // The series' row; nothing when there are too many.
  std::optional<int64_t> RowOf(const MetricSeries& series, EpochSeconds seen);
  Status ThinSeries(int64_t row, EpochSeconds before, EpochSeconds period);

  std::unique_ptr<SQLite::Database> database_;
  const size_t max_series_;
  struct Row {
    int64_t id = 0;
    EpochSeconds last_seen = 0;
  };
  std::map<MetricSeries, Row> rows_;  // all series, as on disk
};

}  // namespace sarai::control
