// The desired state in control.db: everything a client has been told is there.
//
// Owner: Control; threads: the control strand. Every change is one commit, or several in one
// InTransaction.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/status.h"
#include "control/state/endpoint_table.h"
#include "control/state/resource_table.h"
#include "control/state/tag_table.h"

namespace sarai::control {

class State {
 public:
  static Result<std::unique_ptr<State>> Open(const std::string& path);
  ~State();

  // All of `changes` or nothing of it is kept. EndpointTable::Put comes last in it: the table's
  // memory is not rolled back.
  Status InTransaction(const std::function<Status()>& changes);

  ResourceTable models, endpoint_configs;
  EndpointTable endpoints;
  TagTable tags;

 private:
  explicit State(std::unique_ptr<SQLite::Database> database);

  std::unique_ptr<SQLite::Database> database_;
};

}  // namespace sarai::control
