// One SQLite file: opened in WAL mode with its schema brought up to date, and a fence around the
// library's exceptions.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/status.h"

namespace SQLite {
class Database;
}

namespace sarai::control {

// `migrations[i]` brings a file of schema version i to version i + 1. Errors name the file: it
// cannot be opened, is corrupt, or was written by a newer program.
//
// A commit survives the end of the process, however it ends; a power cut may cost the newest ones,
// never the file. Waiting for the disk at each commit would hold up the strand, which also watches
// instances, for as long as a busy disk likes: seconds.
Result<std::unique_ptr<SQLite::Database>> OpenDatabase(
    const std::string& path, std::span<const std::string_view> migrations);

// The Status of the exception being handled; call it in a catch block only.
Status DatabaseFailure(const SQLite::Database& database);

// Runs `work` (which returns a Status or a Result) and turns what SQLite throws into its error.
template <typename Work>
auto Fenced(const SQLite::Database& database, Work work) -> decltype(work()) {
  try {
    return work();
  } catch (...) {
    return internal::Propagate(DatabaseFailure(database));
  }
}

// Like Fenced, in one transaction: committed when `work` succeeds, else rolled back.
Status InTransaction(SQLite::Database& database, const std::function<Status()>& work);

}  // namespace sarai::control
