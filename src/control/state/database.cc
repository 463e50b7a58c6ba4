#include "control/state/database.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <sqlite3.h>

#include <exception>

namespace sarai::control {
namespace {

constexpr int kBusyTimeoutMs = 5000;  // a backup tool may hold the file for a moment

Code CodeOf(const SQLite::Exception& error) {
  switch (error.getErrorCode()) {
    case SQLITE_FULL: return Code::kResourceExhausted;
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return Code::kUnavailable;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return Code::kDataLoss;
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN: return Code::kPermissionDenied;
    default: return Code::kInternal;
  }
}

Status FailureOf(std::string_view path, const std::exception_ptr& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const SQLite::Exception& error) {
    return MakeStatus(CodeOf(error), "state file '{}': {}", path, error.what());
  } catch (const std::exception& error) {
    return MakeStatus(Code::kInternal, "state file '{}': {}", path, error.what());
  }
}

void Migrate(SQLite::Database& database, std::span<const std::string_view> migrations) {
  SQLite::Transaction transaction(database);
  database.exec("CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL)");
  SQLite::Statement select(database, "SELECT version FROM schema_version");
  const size_t version = select.executeStep() ? select.getColumn(0).getInt64() : 0;
  if (version > migrations.size())
    throw std::runtime_error(fmt::format(
        "it has schema version {}, this program knows {}: it was written by a newer one", version,
        migrations.size()));
  if (version == migrations.size()) return;
  for (size_t i = version; i < migrations.size(); ++i) database.exec(std::string(migrations[i]));
  database.exec("DELETE FROM schema_version");
  database.exec(fmt::format("INSERT INTO schema_version VALUES ({})", migrations.size()));
  transaction.commit();
}

}  // namespace

Result<std::unique_ptr<SQLite::Database>> OpenDatabase(
    const std::string& path, std::span<const std::string_view> migrations) {
  try {
    auto database = std::make_unique<SQLite::Database>(
        path, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE, kBusyTimeoutMs);
    database->exec("PRAGMA journal_mode = WAL");
    database->exec("PRAGMA synchronous = NORMAL");
    Migrate(*database, migrations);
    return database;
  } catch (...) {
    return Error(FailureOf(path, std::current_exception()));
  }
}

Status DatabaseFailure(const SQLite::Database& database) {
  return FailureOf(database.getFilename(), std::current_exception());
}

Status InTransaction(SQLite::Database& database, const std::function<Status()>& work) {
  return Fenced(database, [&]() -> Status {
    SQLite::Transaction transaction(database);
    SARAI_CHECK_OK(work());
    transaction.commit();
    return {};
  });
}

}  // namespace sarai::control
