#include "engine/model.h"

#include <algorithm>

namespace sarai::engine {

std::shared_ptr<ServedVersion> ModelHandle::Model::Find(std::string_view version) const {
  if (version.empty()) return versions.back();
  const auto found = std::ranges::find_if(
      versions, [&](const auto& served) { return served->spec().version == version; });
  return found == versions.end() ? nullptr : *found;
}

const ModelInfo& ModelHandle::info() const { return model_->info; }

ModelCounters ModelHandle::counters() const {
  ModelCounters sum;
  for (const auto& version : model_->versions) Merge(sum, version->counters().Read());
  return sum;
}

ModelCounters ModelHandle::counters(std::string_view version) const {
  const auto served = model_->Find(version);
  return served == nullptr ? ModelCounters{} : served->counters().Read();
}

bool ModelHandle::ready() const {
  return model_ != nullptr && std::ranges::all_of(model_->versions, [](const auto& version) {
           return version->state() == ServedVersion::State::kServing;
         });
}

}  // namespace sarai::engine
