#include "control/state/tag_table.h"

#include <SQLiteCpp/SQLiteCpp.h>

#include "control/state/database.h"

namespace sarai::control {

Result<std::map<std::string, std::string>> TagTable::Of(std::string_view arn) const {
  return Fenced(database_, [&]() -> Result<std::map<std::string, std::string>> {
    SQLite::Statement select(database_, "SELECT key, value FROM tags WHERE arn = ?");
    select.bind(1, std::string(arn));
    std::map<std::string, std::string> tags;
    while (select.executeStep())
      tags.emplace(select.getColumn(0).getString(), select.getColumn(1).getString());
    return tags;
  });
}

Status TagTable::Set(std::string_view arn, const std::map<std::string, std::string>& tags) {
  return Fenced(database_, [&]() -> Status {
    SQLite::Statement put(database_,
                          "INSERT OR REPLACE INTO tags (arn, key, value) VALUES (?, ?, ?)");
    for (const auto& [key, value] : tags) {
      put.bind(1, std::string(arn));
      put.bind(2, key);
      put.bind(3, value);
      put.exec();
      put.reset();
    }
    return {};
  });
}

Status TagTable::Remove(std::string_view arn, const std::vector<std::string>& keys) {
  return Fenced(database_, [&]() -> Status {
    SQLite::Statement remove(database_, "DELETE FROM tags WHERE arn = ? AND key = ?");
    for (const std::string& key : keys) {
      remove.bind(1, std::string(arn));
      remove.bind(2, key);
      remove.exec();
      remove.reset();
    }
    return {};
  });
}

Status TagTable::RemoveAll(std::string_view arn) {
  return Fenced(database_, [&]() -> Status {
    SQLite::Statement remove(database_, "DELETE FROM tags WHERE arn = ?");
    remove.bind(1, std::string(arn));
    remove.exec();
    return {};
  });
}

}  // namespace sarai::control
