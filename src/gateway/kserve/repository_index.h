// The repository index of an endpoint: the models that any of its instances knows, each once.
#pragma once

#include <string>
#include <vector>

#include "base/status.h"
#include "wire/http/message.h"
#include "wire/kserve/kserve.h"

namespace sarai::gateway {

// Instances' answers to POST /v2/repository/index -> one entry per name and version, by name. Where
// instances differ, the best state counts: READY before LOADING before UNLOADING before
// UNAVAILABLE. What is no index is passed over.
std::vector<kserve::IndexEntry> MergeIndexes(const std::vector<http::Response>& answers);

struct IndexPage {
  std::vector<kserve::IndexEntry> entries;
  std::string next;  // the name after which the next page begins; empty = this is the last
};
// At most `limit` entries whose names come after `after`; a name's versions stay together.
IndexPage PageOf(const std::vector<kserve::IndexEntry>& entries, const std::string& after,
                 size_t limit);

}  // namespace sarai::gateway
