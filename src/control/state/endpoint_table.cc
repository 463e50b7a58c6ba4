#include "control/state/endpoint_table.h"

#include <SQLiteCpp/SQLiteCpp.h>

#include "control/state/database.h"

namespace sarai::control {

Status EndpointTable::Load() {
  return Fenced(database_, [&]() -> Status {
    endpoints_.clear();
    SQLite::Statement select(database_, "SELECT record FROM endpoints");
    while (select.executeStep()) {
      SARAI_TRY(EndpointRecord record, DecodeEndpoint(select.getColumn(0).getString()));
      std::string name = record.name;
      endpoints_.emplace(std::move(name), std::move(record));
    }
    return {};
  });
}

const EndpointRecord* EndpointTable::Find(std::string_view name) const {
  const auto it = endpoints_.find(name);
  return it == endpoints_.end() ? nullptr : &it->second;
}

Status EndpointTable::Put(const EndpointRecord& record) {
  SARAI_CHECK_OK(Fenced(database_, [&]() -> Status {
    SQLite::Statement put(database_,
                          "INSERT OR REPLACE INTO endpoints (name, record) VALUES (?, ?)");
    put.bind(1, record.name);
    put.bind(2, EncodeEndpoint(record));
    put.exec();
    return {};
  }));
  endpoints_.insert_or_assign(record.name, record);
  return {};
}

Status EndpointTable::Remove(std::string_view name) {
  SARAI_CHECK_OK(Fenced(database_, [&]() -> Status {
    SQLite::Statement remove(database_, "DELETE FROM endpoints WHERE name = ?");
    remove.bind(1, std::string(name));
    remove.exec();
    return {};
  }));
  if (const auto it = endpoints_.find(name); it != endpoints_.end()) endpoints_.erase(it);
  return {};
}

Result<std::vector<std::string>> EndpointTable::NewInstanceIds(std::string_view endpoint,
                                                               std::string_view variant,
                                                               int64_t count) {
  // Counted per joined prefix: endpoint "a" with variant "b-c" shares the numbers of "a-b" with
  // "c".
  const std::string prefix = fmt::format("{}-{}", endpoint, variant);
  std::vector<std::string> ids;
  SARAI_CHECK_OK(Fenced(database_, [&]() -> Status {
    SQLite::Statement next(database_,
                           "INSERT INTO instance_numbers (prefix, used) VALUES (?1, ?2) "
                           "ON CONFLICT (prefix) DO UPDATE SET used = used + ?2 RETURNING used");
    next.bind(1, prefix);
    next.bind(2, count);
    if (!next.executeStep())
      return MakeStatus(Code::kInternal, "no instance numbers for {}", prefix);
    const int64_t last = next.getColumn(0).getInt64();
    for (int64_t n = last - count + 1; n <= last; ++n)
      ids.push_back(fmt::format("{}-{}", prefix, n));
    while (next.executeStep()) {
    }
    return {};
  }));
  return ids;
}

}  // namespace sarai::control
