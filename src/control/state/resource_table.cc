#include "control/state/resource_table.h"

#include <SQLiteCpp/SQLiteCpp.h>

#include "control/state/database.h"

namespace sarai::control {
namespace {

WallTime TimeOf(int64_t micros) { return WallTime(std::chrono::microseconds(micros)); }

}  // namespace

Result<std::optional<Resource>> ResourceTable::Find(std::string_view name) const {
  return Fenced(database_, [&]() -> Result<std::optional<Resource>> {
    SQLite::Statement select(
        database_,
        fmt::format("SELECT name, arn, created_us, request FROM {} WHERE name = ?", table_));
    select.bind(1, std::string(name));
    if (!select.executeStep()) return std::nullopt;
    SARAI_TRY(json::Object request, json::ParseObject(select.getColumn(3).getString()));
    return Resource{select.getColumn(0).getString(), select.getColumn(1).getString(),
                    TimeOf(select.getColumn(2).getInt64()), std::move(request)};
  });
}

Result<std::vector<Resource>> ResourceTable::List() const {
  return Fenced(database_, [&]() -> Result<std::vector<Resource>> {
    SQLite::Statement select(database_,
                             fmt::format("SELECT name, arn, created_us FROM {}", table_));
    std::vector<Resource> resources;
    while (select.executeStep())
      resources.push_back({select.getColumn(0).getString(), select.getColumn(1).getString(),
                           TimeOf(select.getColumn(2).getInt64()), json::Object()});
    return resources;
  });
}

Status ResourceTable::Insert(const Resource& resource) {
  return Fenced(database_, [&]() -> Status {
    SQLite::Statement insert(
        database_, fmt::format("INSERT OR IGNORE INTO {} (name, arn, created_us, request) "
                               "VALUES (?, ?, ?, ?)",
                               table_));
    insert.bind(1, resource.name);
    insert.bind(2, resource.arn);
    insert.bind(3, static_cast<int64_t>(resource.created.time_since_epoch().count()));
    insert.bind(4, json::Serialize(resource.request));
    if (insert.exec() == 0)
      return MakeStatus(Code::kAlreadyExists, "'{}' exists already", resource.arn);
    return {};
  });
}

Result<bool> ResourceTable::Remove(std::string_view name) {
  return Fenced(database_, [&]() -> Result<bool> {
    SQLite::Statement remove(database_, fmt::format("DELETE FROM {} WHERE name = ?", table_));
    remove.bind(1, std::string(name));
    return remove.exec() > 0;
  });
}

}  // namespace sarai::control
