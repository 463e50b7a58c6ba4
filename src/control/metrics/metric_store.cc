#include "control/metrics/metric_store.h"

#include <SQLiteCpp/SQLiteCpp.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "control/state/database.h"
#include "wire/json/json.h"

namespace sarai::control {
namespace {

constexpr std::array<std::string_view, 1> kMigrations = {R"(
  CREATE TABLE series (
    id INTEGER PRIMARY KEY, name_space TEXT NOT NULL, name TEXT NOT NULL,
    dimensions TEXT NOT NULL, unit TEXT NOT NULL, last_seen INTEGER NOT NULL,
    UNIQUE (name_space, name, dimensions, unit));
  CREATE TABLE points (
    series INTEGER NOT NULL, start INTEGER NOT NULL,
    count REAL NOT NULL, sum REAL NOT NULL, min REAL NOT NULL, max REAL NOT NULL, bins BLOB,
    PRIMARY KEY (series, start)) WITHOUT ROWID;
)"};

constexpr EpochSeconds kDay = 24 * 3600;

// CloudWatch: finer than a minute 3 h, minutes 15 d, five minutes 63 d, hours 455 d.
struct Tier {
  EpochSeconds age, period;
};
constexpr std::array<Tier, 3> kTiers = {{{3 * 3600, 60}, {15 * kDay, 300}, {63 * kDay, 3600}}};
constexpr EpochSeconds kOldest = 455 * kDay;

// A series' last_seen on disk is this fresh at least, so that not each batch writes it.
constexpr EpochSeconds kSeenGranularity = 60;

using Bin = std::pair<int32_t, double>;
constexpr size_t kBinBytes = sizeof(int32_t) + sizeof(double);

std::string EncodeBins(const MetricBins& bins) {
  std::string bytes;
  bytes.reserve(bins.counts.size() * kBinBytes);
  for (const auto& [bin, count] : bins.counts) {
    bytes.append(reinterpret_cast<const char*>(&bin), sizeof bin);
    bytes.append(reinterpret_cast<const char*>(&count), sizeof count);
  }
  return bytes;
}

MetricBins DecodeBins(std::string_view bytes) {
  MetricBins bins;
  for (; bytes.size() >= kBinBytes; bytes.remove_prefix(kBinBytes)) {
    Bin bin;
    std::memcpy(&bin.first, bytes.data(), sizeof bin.first);
    std::memcpy(&bin.second, bytes.data() + sizeof bin.first, sizeof bin.second);
    bins.counts.push_back(bin);
  }
  return bins;
}

std::string EncodeDimensions(const MetricId& id) {
  json::Array dimensions;
  for (const auto& [name, value] : id.dimensions) dimensions.push_back(json::Array{name, value});
  return json::Serialize(dimensions);
}

Result<std::vector<std::pair<std::string, std::string>>> DecodeDimensions(std::string_view text) {
  SARAI_TRY(const json::Value value, json::Parse(text));
  std::vector<std::pair<std::string, std::string>> dimensions;
  const auto* const list = value.if_array();
  if (list == nullptr) return Error(Code::kDataLoss, "a metric's dimensions are no list: {}", text);
  for (const json::Value& element : *list) {
    const auto* const pair = element.if_array();
    if (pair == nullptr || pair->size() != 2 || !(*pair)[0].is_string() || !(*pair)[1].is_string())
      return Error(Code::kDataLoss, "a metric's dimensions are no pairs: {}", text);
    dimensions.emplace_back((*pair)[0].get_string(), (*pair)[1].get_string());
  }
  return dimensions;
}

constexpr char kPointColumns[] = "start, count, sum, min, max, bins";

MetricPoint PointOf(SQLite::Statement& row) {
  const SQLite::Column bins = row.getColumn(5);
  return {.start = row.getColumn(0).getInt64(),
          .values = {.count = row.getColumn(1).getDouble(),
                     .sum = row.getColumn(2).getDouble(),
                     .min = row.getColumn(3).getDouble(),
                     .max = row.getColumn(4).getDouble(),
                     .bins = DecodeBins({static_cast<const char*>(bins.getBlob()),
                                         static_cast<size_t>(bins.getBytes())})}};
}

// Merges into the point that is there: bins are merged here, since SQL does not know them.
class PointWriter {
 public:
  explicit PointWriter(SQLite::Database& database)
      : select_(database,
                fmt::format("SELECT {} FROM points WHERE series = ? AND start = ?", kPointColumns)),
        replace_(database,
                 "INSERT OR REPLACE INTO points (series, start, count, sum, min, max, bins) "
                 "VALUES (?, ?, ?, ?, ?, ?, ?)") {}

  void Merge(int64_t series, EpochSeconds start, MetricSet values) {
    select_.bind(1, series);
    select_.bind(2, start);
    if (select_.executeStep()) {
      MetricSet merged = PointOf(select_).values;
      merged.Merge(values);
      values = std::move(merged);
    }
    select_.reset();
    replace_.bind(1, series);
    replace_.bind(2, start);
    replace_.bind(3, values.count);
    replace_.bind(4, values.sum);
    replace_.bind(5, values.min);
    replace_.bind(6, values.max);
    const std::string bins = EncodeBins(values.bins);
    replace_.bind(7, bins.data(), static_cast<int>(bins.size()));
    replace_.exec();
    replace_.reset();
  }

 private:
  SQLite::Statement select_, replace_;
};

bool Matches(const MetricId& id, const SeriesFilter& filter) {
  if (filter.name_space && id.name_space != *filter.name_space) return false;
  if (filter.name && id.name != *filter.name) return false;
  return std::ranges::all_of(filter.dimensions, [&](const auto& wanted) {
    return std::ranges::any_of(id.dimensions, [&](const auto& dimension) {
      return dimension.first == wanted.first &&
             (!wanted.second || dimension.second == *wanted.second);
    });
  });
}

}  // namespace

EpochSeconds SecondsOf(WallTime time) {
  return std::chrono::floor<std::chrono::seconds>(time.time_since_epoch()).count();
}

MetricStore::MetricStore(std::unique_ptr<SQLite::Database> database, size_t max_series)
    : database_(std::move(database)), max_series_(max_series) {}

MetricStore::~MetricStore() = default;

Result<std::unique_ptr<MetricStore>> MetricStore::Open(const std::string& path, size_t max_series) {
  SARAI_TRY(auto database, OpenDatabase(path, kMigrations));
  std::unique_ptr<MetricStore> store(new MetricStore(std::move(database), max_series));
  SARAI_CHECK_OK(store->LoadSeries());
  return store;
}

Status MetricStore::LoadSeries() {
  return Fenced(*database_, [&]() -> Status {
    SQLite::Statement select(
        *database_, "SELECT id, name_space, name, dimensions, unit, last_seen FROM series");
    while (select.executeStep()) {
      MetricSeries series{{select.getColumn(1).getString(), select.getColumn(2).getString(), {}},
                          select.getColumn(4).getString()};
      SARAI_TRY(series.id.dimensions, DecodeDimensions(select.getColumn(3).getString()));
      rows_.emplace(std::move(series),
                    Row{select.getColumn(0).getInt64(), select.getColumn(5).getInt64()});
    }
    return {};
  });
}

std::optional<int64_t> MetricStore::RowOf(const MetricSeries& series, EpochSeconds seen) {
  const auto it = rows_.find(series);
  if (it != rows_.end()) {
    if (seen < it->second.last_seen + kSeenGranularity) return it->second.id;
    SQLite::Statement update(*database_, "UPDATE series SET last_seen = ? WHERE id = ?");
    update.bind(1, seen);
    update.bind(2, it->second.id);
    update.exec();
    it->second.last_seen = seen;
    return it->second.id;
  }
  if (rows_.size() >= max_series_) return std::nullopt;
  SQLite::Statement insert(*database_,
                           "INSERT INTO series (name_space, name, dimensions, unit, last_seen) "
                           "VALUES (?, ?, ?, ?, ?)");
  insert.bind(1, series.id.name_space);
  insert.bind(2, series.id.name);
  insert.bind(3, EncodeDimensions(series.id));
  insert.bind(4, series.unit);
  insert.bind(5, seen);
  insert.exec();
  const int64_t id = database_->getLastInsertRowid();
  rows_.emplace(series, Row{id, seen});
  return id;
}

Result<size_t> MetricStore::Add(const Batch& batch) {
  size_t left_out = 0;
  const Status added = InTransaction(*database_, [&]() -> Status {
    PointWriter writer(*database_);
    for (const auto& [key, values] : batch) {
      const auto row = RowOf(key.first, key.second);
      if (!row) {
        ++left_out;
        continue;
      }
      writer.Merge(*row, key.second - key.second % kMetricResolution, values);
    }
    return {};
  });
  if (added.ok()) return left_out;
  // What was rolled back may be in memory: read it anew.
  rows_.clear();
  SARAI_CHECK_OK(LoadSeries());
  return Error(added);
}

Result<std::map<MetricSeries, std::vector<MetricPoint>>> MetricStore::Read(
    const MetricId& id, const std::optional<std::string>& unit, EpochSeconds from,
    EpochSeconds to) {
  return Fenced(*database_, [&]() -> Result<std::map<MetricSeries, std::vector<MetricPoint>>> {
    std::map<MetricSeries, std::vector<MetricPoint>> found;
    SQLite::Statement select(
        *database_, fmt::format("SELECT {} FROM points WHERE series = ? AND start >= ? AND "
                                "start < ? ORDER BY start",
                                kPointColumns));
    for (auto it = rows_.lower_bound({id, ""}); it != rows_.end() && it->first.id == id; ++it) {
      if (unit && it->first.unit != *unit) continue;
      select.bind(1, it->second.id);
      select.bind(2, from);
      select.bind(3, to);
      auto& points = found[it->first];
      while (select.executeStep()) points.push_back(PointOf(select));
      select.reset();
    }
    return found;
  });
}

Result<std::vector<MetricId>> MetricStore::List(const SeriesFilter& filter,
                                                const std::optional<MetricId>& after,
                                                size_t limit) {
  std::vector<MetricId> ids;
  for (const auto& [series, row] : rows_) {
    if (ids.size() == limit) break;
    if (after && series.id <= *after) continue;
    if (!ids.empty() && ids.back() == series.id) continue;  // the same in another unit
    if (row.last_seen >= filter.seen_since && Matches(series.id, filter)) ids.push_back(series.id);
  }
  return ids;
}

Status MetricStore::Thin(EpochSeconds now) {
  for (const auto& [series, row] : rows_)
    for (const Tier& tier : kTiers) SARAI_CHECK_OK(ThinSeries(row.id, now - tier.age, tier.period));
  SARAI_CHECK_OK(InTransaction(*database_, [&]() -> Status {
    database_->exec(fmt::format("DELETE FROM points WHERE start < {}", now - kOldest));
    database_->exec(fmt::format("DELETE FROM series WHERE last_seen < {}", now - kOldest));
    return {};
  }));
  std::erase_if(rows_, [&](const auto& entry) { return entry.second.last_seen < now - kOldest; });
  return {};
}

Status MetricStore::ThinSeries(int64_t row, EpochSeconds before, EpochSeconds period) {
  return InTransaction(*database_, [&]() -> Status {
    SQLite::Statement select(
        *database_,
        fmt::format("SELECT {} FROM points WHERE series = ? AND start < ? AND start % ? != 0",
                    kPointColumns));
    select.bind(1, row);
    select.bind(2, before);
    select.bind(3, period);
    std::map<EpochSeconds, MetricSet> merged;
    while (select.executeStep()) {
      const MetricPoint point = PointOf(select);
      merged[point.start - point.start % period].Merge(point.values);
    }
    if (merged.empty()) return {};
    PointWriter writer(*database_);
    for (auto& [start, values] : merged) writer.Merge(row, start, std::move(values));
    SQLite::Statement remove(
        *database_, "DELETE FROM points WHERE series = ? AND start < ? AND start % ? != 0");
    remove.bind(1, row);
    remove.bind(2, before);
    remove.bind(3, period);
    remove.exec();
    return {};
  });
}

}  // namespace sarai::control
