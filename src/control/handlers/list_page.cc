#include "control/handlers/list_page.h"

#include <algorithm>
#include <span>

#include "base/hex.h"
#include "base/strings.h"

namespace sarai::control {
namespace {

constexpr int64_t kMaxResultsBound = 100;

double Epoch(WallTime time) {
  return std::chrono::duration<double>(time.time_since_epoch()).count();
}

// Orders like the query asks, and no two lines are the same: the name comes last.
std::string SortKey(const Listed& line, ListQuery::Order order) {
  const std::string name = ToLower(line.name);
  switch (order) {
    case ListQuery::Order::kName: return name;
    case ListQuery::Order::kCreationTime:
      return fmt::format("{:020}/{}", line.created.time_since_epoch().count(), name);
    case ListQuery::Order::kStatus: return fmt::format("{}/{}", line.status, name);
  }
  return name;
}

bool Matches(const Listed& line, const ListQuery& query) {
  if (!query.status.empty() && line.status != query.status) return false;
  if (ToLower(line.name).find(ToLower(query.name_contains)) == std::string::npos) return false;
  const double created = Epoch(line.created), modified = Epoch(line.modified);
  if (query.created_before && created >= *query.created_before) return false;
  if (query.created_after && created <= *query.created_after) return false;
  if (query.modified_before && modified >= *query.modified_before) return false;
  if (query.modified_after && modified <= *query.modified_after) return false;
  return true;
}

std::string EncodeToken(const std::string& key) {
  return HexEncode(std::as_bytes(std::span(key.data(), key.size())));
}

Result<std::string> DecodeToken(const std::string& token) {
  const auto bytes = HexDecode(token);
  if (!bytes) return Error(Code::kInvalidArgument, "Invalid NextToken '{}'.", token.substr(0, 64));
  return std::string(reinterpret_cast<const char*>(bytes->data()), bytes->size());
}

Result<ListQuery::Order> ParseOrder(const std::string& name) {
  if (name == "Name") return ListQuery::Order::kName;
  if (name == "CreationTime") return ListQuery::Order::kCreationTime;
  if (name == "Status") return ListQuery::Order::kStatus;
  return Error(Code::kInvalidArgument,
               "1 validation error detected: Value '{}' at 'sortBy' failed to satisfy constraint: "
               "Member must satisfy enum value set: [Name, CreationTime, Status]",
               name);
}

Result<bool> ParseAscending(const std::string& name) {
  if (name == "Ascending") return true;
  if (name == "Descending") return false;
  return Error(Code::kInvalidArgument,
               "1 validation error detected: Value '{}' at 'sortOrder' failed to satisfy "
               "constraint: Member must satisfy enum value set: [Ascending, Descending]",
               name);
}

Result<size_t> ParseMaxResults(int64_t value) {
  if (value >= 1 && value <= kMaxResultsBound) return static_cast<size_t>(value);
  return Error(Code::kInvalidArgument,
               "1 validation error detected: Value '{}' at 'maxResults' failed to satisfy "
               "constraint: Member must have value {} than or equal to {}",
               value, value < 1 ? "greater" : "less", value < 1 ? 1 : kMaxResultsBound);
}

}  // namespace

Result<ListQuery> ParseListQuery(const json::ObjectView& body) {
  ListQuery query;
  SARAI_TRY(const auto sort_by, body.String("SortBy"));
  if (sort_by) {
    SARAI_TRY(query.order, ParseOrder(*sort_by));
  }
  SARAI_TRY(const auto sort_order, body.String("SortOrder"));
  if (sort_order) {
    SARAI_TRY(query.ascending, ParseAscending(*sort_order));
  }
  SARAI_TRY(const auto max_results, body.Int("MaxResults"));
  if (max_results) {
    SARAI_TRY(query.max_results, ParseMaxResults(*max_results));
  }
  SARAI_TRY(const auto name_contains, body.String("NameContains"));
  query.name_contains = name_contains.value_or("");
  SARAI_TRY(const auto status, body.String("StatusEquals"));
  query.status = status.value_or("");
  SARAI_TRY(query.created_before, body.Double("CreationTimeBefore"));
  SARAI_TRY(query.created_after, body.Double("CreationTimeAfter"));
  SARAI_TRY(query.modified_before, body.Double("LastModifiedTimeBefore"));
  SARAI_TRY(query.modified_after, body.Double("LastModifiedTimeAfter"));
  SARAI_TRY(const auto token, body.String("NextToken"));
  if (token && !token->empty()) {
    SARAI_TRY(query.after, DecodeToken(*token));
  }
  return query;
}

ListPage PageOf(std::vector<Listed> all, const ListQuery& query) {
  std::vector<std::pair<std::string, Listed>> matching;
  for (Listed& line : all) {
    if (!Matches(line, query)) continue;
    std::string key = SortKey(line, query.order);
    const bool after = query.ascending ? key > query.after : key < query.after;
    if (query.after.empty() || after) matching.emplace_back(std::move(key), std::move(line));
  }
  std::ranges::sort(matching, {}, &std::pair<std::string, Listed>::first);
  if (!query.ascending) std::ranges::reverse(matching);
  ListPage page;
  if (matching.size() > query.max_results)
    page.next_token = EncodeToken(matching[query.max_results - 1].first);
  matching.resize(std::min(matching.size(), query.max_results));
  for (auto& [key, line] : matching) page.lines.push_back(std::move(line));
  return page;
}

}  // namespace sarai::control
