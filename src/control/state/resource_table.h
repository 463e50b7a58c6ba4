// Resources that never change after their creation: models and endpoint configurations. The request
// is kept as it came and echoed by Describe.
//
// Threads: the control strand. Errors are the database's; what does not exist is an empty answer.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/status.h"
#include "wire/json/json.h"

namespace SQLite {
class Database;
}

namespace sarai::control {

struct Resource {
  std::string name;
  std::string arn;
  WallTime created;
  json::Object request;
};

class ResourceTable {
 public:
  // `table` is "models" or "endpoint_configs". `database` must outlive it.
  ResourceTable(SQLite::Database& database, std::string table)
      : database_(database), table_(std::move(table)) {}

  Result<std::optional<Resource>> Find(std::string_view name) const;
  Result<std::vector<Resource>> List() const;  // without their requests
  // Error: kAlreadyExists.
  Status Insert(const Resource& resource);
  // False when there is none of that name.
  Result<bool> Remove(std::string_view name);

 private:
  SQLite::Database& database_;
  const std::string table_;
};

}  // namespace sarai::control
