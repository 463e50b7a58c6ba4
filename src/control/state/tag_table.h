// Tags of models, configurations and endpoints, by the resource's ARN.
//
// Threads: the control strand.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace SQLite {
class Database;
}

namespace sarai::control {

class TagTable {
 public:
  explicit TagTable(SQLite::Database& database) : database_(database) {}

  Result<std::map<std::string, std::string>> Of(std::string_view arn) const;
  Status Set(std::string_view arn, const std::map<std::string, std::string>& tags);
  Status Remove(std::string_view arn, const std::vector<std::string>& keys);
  Status RemoveAll(std::string_view arn);

 private:
  SQLite::Database& database_;
};

}  // namespace sarai::control
