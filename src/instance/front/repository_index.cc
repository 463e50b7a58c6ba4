#include "instance/front/repository_index.h"

namespace sarai::instance {

std::vector<kserve::IndexEntry> IndexEntriesOf(const std::vector<IndexRow>& rows, bool only_ready) {
  std::vector<kserve::IndexEntry> entries;
  entries.reserve(rows.size());
  for (const IndexRow& row : rows) {
    if (only_ready && row.state != "READY") continue;
    for (const std::string& version : row.versions)
      entries.push_back(
          {.name = row.name, .version = version, .state = row.state, .reason = row.reason});
    if (row.versions.empty())
      entries.push_back({.name = row.name, .state = row.state, .reason = row.reason});
  }
  return entries;
}

}  // namespace sarai::instance
