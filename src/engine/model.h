// What a ModelHandle shares: the versions of one loaded model.
#pragma once

#include <memory>
#include <vector>

#include "engine/departure.h"
#include "engine/engine.h"
#include "engine/served_version.h"

namespace sarai::engine {

// Constant after construction; the versions synchronise themselves.
struct ModelHandle::Model {
  ModelInfo info;
  std::vector<std::shared_ptr<ServedVersion>> versions;  // ascending, at least one
  std::shared_ptr<Departure> departure;

  // The version of that number; the highest one for an empty text. Null: no such version here.
  std::shared_ptr<ServedVersion> Find(std::string_view version) const;
};

}  // namespace sarai::engine
