// All endpoints, in memory and on disk: what is read here is what a restart would find.
//
// Threads: the control strand. Invariant: memory changes only after the disk has.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "control/state/endpoint_record.h"

namespace SQLite {
class Database;
}

namespace sarai::control {

class EndpointTable {
 public:
  explicit EndpointTable(SQLite::Database& database) : database_(database) {}

  Status Load();

  const std::map<std::string, EndpointRecord, std::less<>>& all() const { return endpoints_; }
  const EndpointRecord* Find(std::string_view name) const;  // null = there is none

  Status Put(const EndpointRecord& record);
  Status Remove(std::string_view name);  // no error when there is none

  // Ids that no instance has ever had: "demo-AllTraffic-1", "demo-AllTraffic-2", …
  Result<std::vector<std::string>> NewInstanceIds(std::string_view endpoint,
                                                  std::string_view variant, int64_t count);

 private:
  SQLite::Database& database_;
  std::map<std::string, EndpointRecord, std::less<>> endpoints_;  // by name
};

}  // namespace sarai::control
