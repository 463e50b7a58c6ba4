// The List… operations' common part: filters, order, pages. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/status.h"
#include "wire/json/json.h"

namespace sarai::control {

// One line of a list.
struct Listed {
  std::string name, arn, status;  // status: endpoints only
  WallTime created, modified;
};

struct ListQuery {
  enum class Order { kName, kCreationTime, kStatus };
  Order order = Order::kCreationTime;
  bool ascending = false;
  size_t max_results = 10;
  std::string name_contains;  // without case
  std::string status;         // empty = any
  std::optional<double> created_before, created_after, modified_before, modified_after;
  std::string after;  // the sort key of the last line of the page before; empty = first page
};

// Reads SortBy, SortOrder, MaxResults, NextToken and the filters. Errors name the member.
Result<ListQuery> ParseListQuery(const json::ObjectView& body);

struct ListPage {
  std::vector<Listed> lines;
  std::string next_token;  // empty on the last page
};
// A page goes on after the last line of the one before, whatever was made or deleted meanwhile.
ListPage PageOf(std::vector<Listed> all, const ListQuery& query);

}  // namespace sarai::control
