// GetMetricStatistics and ListMetrics.
#include <array>

#include "base/hex.h"
#include "control/handlers/cloudwatch.h"
#include "control/metrics/metric_query.h"

namespace sarai::control {
namespace {

constexpr int64_t kMaxDatapoints = 1'440;
constexpr size_t kListPage = 500;
constexpr EpochSeconds kRecently = 3 * 3600;

struct NamedStatistic {
  std::string name;
  Statistic statistic;
  bool extended = false;
};

// Statistics take the plain names only, ExtendedStatistics the percentiles only.
Result<std::vector<NamedStatistic>> ReadStatistics(const json::ObjectView& body) {
  SARAI_TRY(const auto plain, body.Strings("Statistics"));
  SARAI_TRY(const auto extended, body.Strings("ExtendedStatistics"));
  if (plain.empty() == extended.empty())
    return Error(Code::kInvalidArgument,
                 "Exactly one of the parameters Statistics and ExtendedStatistics must be given");
  std::vector<NamedStatistic> statistics;
  for (const std::string& name : plain.empty() ? extended : plain) {
    SARAI_TRY(const Statistic statistic, Statistic::Parse(name));
    if (name.starts_with('p') != plain.empty())
      return Error(Code::kInvalidArgument, "The value '{}' does not belong into {}", name,
                   plain.empty() ? "ExtendedStatistics" : "Statistics");
    statistics.push_back({name, statistic, plain.empty()});
  }
  return statistics;
}

std::optional<json::Object> Datapoint(EpochSeconds start, const MetricSet& values,
                                      const std::string& unit,
                                      const std::vector<NamedStatistic>& statistics) {
  json::Object point, extended;
  for (const NamedStatistic& named : statistics)
    if (const auto value = named.statistic.Of(values))
      (named.extended ? extended : point)[named.name] = *value;
  if (!extended.empty()) point["ExtendedStatistics"] = std::move(extended);
  if (point.empty()) return std::nullopt;
  point["Timestamp"] = start;
  point["Unit"] = unit;
  return point;
}

struct StatisticsQuery {
  MetricId metric;
  TimeRange range;
  EpochSeconds period = 60;
  std::optional<std::string> unit;
  std::vector<NamedStatistic> statistics;
};

Result<StatisticsQuery> ReadQuery(const json::ObjectView& body) {
  StatisticsQuery query;
  SARAI_TRY(query.metric, MetricIdIn(body));
  SARAI_TRY(query.range, TimeRangeIn(body));
  SARAI_TRY(query.period, body.RequireInt("Period"));
  SARAI_CHECK_OK(CheckPeriod(query.period));
  SARAI_TRY(query.unit, body.String("Unit"));
  SARAI_TRY(query.statistics, ReadStatistics(body));
  return query;
}

std::string EncodeToken(const MetricId& id) {
  json::Array parts = {id.name_space, id.name};
  for (const auto& [name, value] : id.dimensions) {
    parts.emplace_back(name);
    parts.emplace_back(value);
  }
  const std::string text = json::Serialize(parts);
  return HexEncode(std::as_bytes(std::span(text.data(), text.size())));
}

std::optional<MetricId> DecodeToken(const std::string& token) {
  const auto bytes = HexDecode(token);
  if (!bytes) return std::nullopt;
  const auto value = json::Parse({reinterpret_cast<const char*>(bytes->data()), bytes->size()});
  const auto* const parts = value ? value->if_array() : nullptr;
  if (parts == nullptr || parts->size() < 2 || parts->size() % 2 != 0) return std::nullopt;
  std::vector<std::string> texts;
  for (const json::Value& part : *parts) {
    if (!part.is_string()) return std::nullopt;
    texts.emplace_back(part.get_string());
  }
  MetricId id{texts[0], texts[1], {}};
  for (size_t i = 2; i < texts.size(); i += 2) id.dimensions.emplace_back(texts[i], texts[i + 1]);
  return id;
}

Result<SeriesFilter> ReadFilter(const json::ObjectView& body, EpochSeconds now) {
  SeriesFilter filter;
  SARAI_TRY(filter.name_space, body.String("Namespace"));
  SARAI_TRY(filter.name, body.String("MetricName"));
  SARAI_TRY(const auto dimensions, body.Children("Dimensions"));
  for (const json::ObjectView& dimension : dimensions) {
    SARAI_TRY(std::string name, dimension.RequireString("Name"));
    SARAI_TRY(auto value, dimension.String("Value"));
    filter.dimensions.emplace_back(std::move(name), std::move(value));
  }
  SARAI_TRY(const auto recently, body.String("RecentlyActive"));
  if (recently && *recently != "PT3H")
    return Error(Code::kInvalidArgument, "RecentlyActive must be PT3H, not '{}'", *recently);
  if (recently) filter.seen_since = now - kRecently;
  return filter;
}

json::Object MetricObject(const MetricId& id) {
  json::Array dimensions;
  for (const auto& [name, value] : id.dimensions)
    dimensions.push_back(json::Object{{"Name", name}, {"Value", value}});
  return {
      {"Namespace", id.name_space}, {"MetricName", id.name}, {"Dimensions", std::move(dimensions)}};
}

}  // namespace

ApiResult GetMetricStatistics(CloudWatchServices& services, const ApiCall& call) {
  const auto query = ReadQuery(call.view());
  if (!query) return std::unexpected(CloudWatchErrorOf(query.error()));
  const int64_t points = (query->range.to - query->range.from) / query->period;
  if (points > kMaxDatapoints)
    return InvalidParameterCombination(
        fmt::format("You have requested up to {} datapoints, which exceeds the limit of {}. You "
                    "may reduce the datapoints requested by increasing Period, or decreasing the "
                    "time range.",
                    points, kMaxDatapoints));
  services.flush();
  const auto found =
      services.store.Read(query->metric, query->unit, query->range.from, query->range.to);
  if (!found) return std::unexpected(CloudWatchErrorOf(found.error()));
  json::Array datapoints;
  for (const auto& [series, data] : *found)
    for (const auto& [start, values] : Aggregate(data, query->period))
      if (auto point = Datapoint(start, values, series.unit, query->statistics))
        datapoints.push_back(std::move(*point));
  return json::Object{{"Label", query->metric.name}, {"Datapoints", std::move(datapoints)}};
}

ApiResult ListMetrics(CloudWatchServices& services, const ApiCall& call) {
  const json::ObjectView body = call.view();
  const auto filter = ReadFilter(body, SecondsOf(services.clock.WallNow()));
  if (!filter) return std::unexpected(CloudWatchErrorOf(filter.error()));
  const auto token = body.String("NextToken");
  if (!token) return std::unexpected(CloudWatchErrorOf(token.error()));
  std::optional<MetricId> after;
  if (!token->value_or("").empty()) {
    after = DecodeToken(**token);
    if (!after) return InvalidParameterValue("The NextToken was not given by this operation.");
  }
  services.flush();
  auto ids = services.store.List(*filter, after, kListPage + 1);
  if (!ids) return std::unexpected(CloudWatchErrorOf(ids.error()));
  json::Object answer;
  if (ids->size() > kListPage) {
    ids->pop_back();
    answer["NextToken"] = EncodeToken(ids->back());
  }
  json::Array metrics;
  for (const MetricId& id : *ids) metrics.push_back(MetricObject(id));
  answer["Metrics"] = std::move(metrics);
  return answer;
}

}  // namespace sarai::control
