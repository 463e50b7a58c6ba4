// GetMetricData: many metrics in one call, in pages of a bounded number of data points.
#include <set>

#include "base/strings.h"
#include "control/handlers/cloudwatch.h"
#include "control/metrics/metric_query.h"

namespace sarai::control {
namespace {

constexpr size_t kMaxQueries = 500;
constexpr int64_t kMaxDatapoints = 100'800;

struct Query {
  std::string id, label;
  bool returned = true;
  MetricId metric;
  EpochSeconds period = 60;
  Statistic statistic;
  std::optional<std::string> unit;
};

// Where a page goes on: which query, and which time was the last one given of it.
struct Position {
  size_t query = 0;
  std::optional<EpochSeconds> after;
};

std::string EncodePosition(const Position& position) {
  return position.after ? fmt::format("{}.{}", position.query, *position.after)
                        : fmt::format("{}", position.query);
}

std::optional<Position> DecodePosition(std::string_view token) {
  const auto parts = Split(token, '.');
  const auto query = ParseInt(parts.front());
  if (!query || *query < 0 || parts.size() > 2) return std::nullopt;
  Position position{.query = static_cast<size_t>(*query)};
  if (parts.size() == 1) return position;
  position.after = ParseInt(parts[1]);
  return position.after ? std::optional(position) : std::nullopt;
}

Result<Query> ReadQuery(const json::ObjectView& view) {
  Query query;
  SARAI_TRY(query.id, view.RequireString("Id"));
  if (query.id.empty() || query.id[0] < 'a' || query.id[0] > 'z')
    return Error(Code::kInvalidArgument,
                 "The value '{}' for parameter MetricDataQueries Id must begin with a lower-case "
                 "letter.",
                 query.id);
  if (view.Has("Expression"))
    return Error(Code::kUnimplemented,
                 "MetricDataQueries: query '{}' is an Expression; metric math is not served by "
                 "this version, ask for each metric by MetricStat.",
                 query.id);
  SARAI_TRY(const auto stat, view.Child("MetricStat"));
  if (!stat)
    return Error(Code::kInvalidArgument, "MetricDataQueries: query '{}' has no MetricStat.",
                 query.id);
  SARAI_TRY(const auto metric, stat->Child("Metric"));
  if (!metric)
    return Error(Code::kInvalidArgument, "MetricDataQueries: query '{}' has no Metric.", query.id);
  SARAI_TRY(query.metric, MetricIdIn(*metric));
  SARAI_TRY(query.period, stat->RequireInt("Period"));
  SARAI_CHECK_OK(CheckPeriod(query.period));
  SARAI_TRY(const std::string name, stat->RequireString("Stat"));
  SARAI_TRY(query.statistic, Statistic::Parse(name));
  SARAI_TRY(query.unit, stat->String("Unit"));
  SARAI_TRY(const auto label, view.String("Label"));
  query.label = label.value_or(query.metric.name);
  SARAI_TRY(const auto returned, view.Bool("ReturnData"));
  query.returned = returned.value_or(true);
  return query;
}

Result<std::vector<Query>> ReadQueries(const json::ObjectView& body) {
  SARAI_TRY(const auto elements, body.Children("MetricDataQueries"));
  if (elements.empty() || elements.size() > kMaxQueries)
    return Error(Code::kInvalidArgument, "MetricDataQueries must have 1 to {} elements, not {}.",
                 kMaxQueries, elements.size());
  std::vector<Query> queries;
  std::set<std::string> ids;
  for (const json::ObjectView& element : elements) {
    SARAI_TRY(Query query, ReadQuery(element));
    if (!ids.insert(query.id).second)
      return Error(Code::kInvalidArgument, "The Id '{}' is used by two MetricDataQueries.",
                   query.id);
    if (query.returned) queries.push_back(std::move(query));
  }
  return queries;
}

struct Datum {
  EpochSeconds at;
  double value;
};

// Several units of one metric are one result each on AWS too; here they are one, since nobody
// mixes.
Result<std::vector<Datum>> Evaluate(MetricStore& store, const Query& query, const TimeRange& range,
                                    bool ascending) {
  SARAI_TRY(const auto found, store.Read(query.metric, query.unit, range.from, range.to));
  std::map<EpochSeconds, MetricSet> periods;
  for (const auto& [series, points] : found)
    for (auto& [start, values] : Aggregate(points, query.period)) periods[start].Merge(values);
  std::vector<Datum> data;
  for (const auto& [start, values] : periods)
    if (const auto value = query.statistic.Of(values)) data.push_back({start, *value});
  if (!ascending) std::reverse(data.begin(), data.end());
  return data;
}

struct Page {
  json::Array results;
  std::optional<Position> next;
};

json::Object ResultOf(const Query& query, const std::vector<Datum>& data, bool complete) {
  json::Array timestamps, values;
  for (const Datum& datum : data) {
    timestamps.emplace_back(datum.at);
    values.emplace_back(datum.value);
  }
  return {{"Id", query.id},
          {"Label", query.label},
          {"Timestamps", std::move(timestamps)},
          {"Values", std::move(values)},
          {"StatusCode", complete ? "Complete" : "PartialData"}};
}

Result<Page> EvaluatePage(MetricStore& store, const std::vector<Query>& queries,
                          const TimeRange& range, bool ascending, Position from, size_t limit) {
  Page page;
  for (size_t i = from.query; i < queries.size(); ++i, from.after.reset()) {
    if (limit == 0) {
      page.next = Position{.query = i};
      return page;
    }
    SARAI_TRY(std::vector<Datum> data, Evaluate(store, queries[i], range, ascending));
    if (from.after)
      std::erase_if(data, [&](const Datum& datum) {
        return ascending ? datum.at <= *from.after : datum.at >= *from.after;
      });
    const bool complete = data.size() <= limit;
    if (!complete) data.resize(limit);
    limit -= data.size();
    page.results.push_back(ResultOf(queries[i], data, complete));
    if (complete) continue;
    page.next = Position{.query = i, .after = data.back().at};
    return page;
  }
  return page;
}

AwsError ValidationErrorOf(const Status& status) {
  if (status.code() != Code::kInvalidArgument && status.code() != Code::kUnimplemented)
    return CloudWatchErrorOf(status);
  return CloudWatchValidationError(status.message()).error();
}

}  // namespace

ApiResult GetMetricData(CloudWatchServices& services, const ApiCall& call) {
  const json::ObjectView body = call.view();
  const auto queries = ReadQueries(body);
  if (!queries) return std::unexpected(ValidationErrorOf(queries.error()));
  const auto range = TimeRangeIn(body);
  if (!range) return std::unexpected(ValidationErrorOf(range.error()));
  const auto scan = body.String("ScanBy");
  if (!scan) return std::unexpected(ValidationErrorOf(scan.error()));
  const auto max_datapoints = body.Int("MaxDatapoints");
  if (!max_datapoints) return std::unexpected(ValidationErrorOf(max_datapoints.error()));
  const int64_t limit = max_datapoints->value_or(kMaxDatapoints);
  if (limit < 1 || limit > kMaxDatapoints)
    return CloudWatchValidationError(
        fmt::format("MaxDatapoints must be 1 to {}, not {}.", kMaxDatapoints, limit));
  const auto token = body.String("NextToken");
  if (!token) return std::unexpected(ValidationErrorOf(token.error()));
  const auto from = token->value_or("").empty() ? Position() : DecodePosition(**token);
  if (!from)
    return std::unexpected(AwsError{.shape = "InvalidNextToken",
                                    .message = "The NextToken was not given by this operation.",
                                    .query_code = "InvalidNextToken"});
  services.flush();
  auto page =
      EvaluatePage(services.store, *queries, *range, scan->value_or("") == "TimestampAscending",
                   *from, static_cast<size_t>(limit));
  if (!page) return std::unexpected(CloudWatchErrorOf(page.error()));
  json::Object answer = {{"MetricDataResults", std::move(page->results)},
                         {"Messages", json::Array()}};
  if (page->next) answer["NextToken"] = EncodePosition(*page->next);
  return answer;
}

}  // namespace sarai::control
