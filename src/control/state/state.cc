#include "control/state/state.h"

#include <SQLiteCpp/SQLiteCpp.h>

#include <array>

#include "control/state/database.h"

namespace sarai::control {
namespace {

constexpr std::array<std::string_view, 1> kMigrations = {R"(
  CREATE TABLE models (
    name TEXT PRIMARY KEY COLLATE NOCASE, arn TEXT NOT NULL,
    created_us INTEGER NOT NULL, request TEXT NOT NULL);
  CREATE TABLE endpoint_configs (
    name TEXT PRIMARY KEY COLLATE NOCASE, arn TEXT NOT NULL,
    created_us INTEGER NOT NULL, request TEXT NOT NULL);
  CREATE TABLE endpoints (name TEXT PRIMARY KEY, record TEXT NOT NULL);
  CREATE TABLE instance_numbers (prefix TEXT PRIMARY KEY, used INTEGER NOT NULL);
  CREATE TABLE tags (
    arn TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (arn, key));
)"};

}  // namespace

State::State(std::unique_ptr<SQLite::Database> database)
    : models(*database, "models"),
      endpoint_configs(*database, "endpoint_configs"),
      endpoints(*database),
      tags(*database),
      database_(std::move(database)) {}

State::~State() = default;

Result<std::unique_ptr<State>> State::Open(const std::string& path) {
  SARAI_TRY(auto database, OpenDatabase(path, kMigrations));
  std::unique_ptr<State> state(new State(std::move(database)));
  SARAI_CHECK_OK(state->endpoints.Load());
  return state;
}

Status State::InTransaction(const std::function<Status()>& changes) {
  return control::InTransaction(*database_, changes);
}

}  // namespace sarai::control
