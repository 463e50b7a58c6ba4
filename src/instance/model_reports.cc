// What the manager tells about its models.
#include <map>
#include <utility>

#include "instance/model_manager.h"

namespace sarai::instance {

void ModelManager::Record(Decision decision, const std::string& name) {
  decision.model = name;
  decision.at = parts_.clock.WallNow();
  parts_.decisions.Add(std::move(decision));
}

void ModelManager::Record(DecisionKind kind, const std::string& name, std::string reason) {
  Record(Decision{.kind = kind, .reason = std::move(reason)}, name);
}

// One row per name: the version that is furthest on its way stands for it.
std::vector<ModelResidency> ModelManager::CollectResidency() const {
  std::map<std::string, ModelResidency> by_name;
  for (const policy::Residency::Row& row : residency_.rows(Now())) {
    const ModelVersion* version = VersionOf(row.id);
    if (version == nullptr || row.state == ModelState::kAbsent) continue;
    ModelResidency& model = by_name[version->name];
    const auto progress = [](ModelState state) {
      return state == ModelState::kReady ? 10 : static_cast<int>(state);
    };
    if (model.model.empty() || progress(row.state) > progress(model.state)) model.state = row.state;
    model.model = version->name;
    model.memory_bytes += row.memory_bytes;
    model.disk_bytes += row.disk_bytes;
    model.in_flight += row.waiting;
    if (version->serving) model.in_flight += version->serving->handle.counters().in_flight;
  }
  std::vector<ModelResidency> models;
  models.reserve(by_name.size());
  for (auto& [name, model] : by_name) models.push_back(std::move(model));
  return models;
}

void ModelManager::Watch(uint64_t since, Duration wait, ResidencyCallback done) {
  Post([this, since, wait, done = std::move(done)]() mutable {
    feed_.Watch(since, wait, std::move(done));
  });
}

void ModelManager::EndWatches() {
  Post([this] { feed_.Stop(); });
}

void ModelManager::GetTotals(std::move_only_function<void(Totals)> done) {
  Post([this, done = std::move(done)]() mutable {
    Totals totals{.residency = residency_.totals(),
                  .memory_budget_bytes = options_.residency.memory_budget_bytes,
                  .disk_budget_bytes = options_.residency.disk_budget_bytes};
    for (const auto& [id, serving] : loaded_)
      totals.in_flight += serving->handle.counters().in_flight;
    done(totals);
  });
}

IndexRow ModelManager::MakeIndexRow(const std::string& name) const {
  IndexRow row{.name = name};
  const auto it = entries_.find(name);
  if (it == entries_.end()) return row;
  const ModelEntry& entry = it->second;
  row.versions = entry.versions;
  switch (residency_.state(entry.current)) {
    case ModelState::kReady: row.state = "READY"; break;
    case ModelState::kFetching:
    case ModelState::kLoading: row.state = "LOADING"; break;
    case ModelState::kDraining: row.state = "UNLOADING"; break;
    case ModelState::kAbsent:
    case ModelState::kOnDisk:
      if (entry.loads == 0 && entry.last_error.ok() && !entry.control.held) break;
      row.state = "UNAVAILABLE";
      row.reason = entry.last_error.ok() || entry.last_unload_at > entry.last_error_at
                       ? "unloaded"
                       : entry.last_error.message();
  }
  return row;
}

// Of names that no repository holds, those that are loaded or were fetched.
bool ModelManager::IsKnownBeside(const ModelEntry& entry) const {
  if (entry.current.empty()) return false;
  if (!entry.origin.repository) return true;
  const ModelState state = residency_.state(entry.current);
  return state != ModelState::kAbsent && state != ModelState::kOnDisk;
}

void ModelManager::Index(ResultCallback<std::vector<IndexRow>> done) {
  parts_.worker.ListNames(
      [this, done = std::move(done)](Result<std::vector<ListedModel>> listed) mutable {
        if (!listed) return done(Error(listed.error()));
        std::map<std::string, IndexRow> rows;
        for (const ListedModel& model : *listed) {
          IndexRow& row = rows[model.name];
          row = MakeIndexRow(model.name);
          if (model.places.size() < 2 || row.state == "READY") continue;
          row.state = "UNAVAILABLE";
          row.reason = "model appears in two or more repositories";
        }
        for (const auto& [name, entry] : entries_)
          if (!rows.contains(name) && IsKnownBeside(entry)) rows[name] = MakeIndexRow(name);
        std::vector<IndexRow> all;
        all.reserve(rows.size());
        for (auto& [name, row] : rows) all.push_back(std::move(row));
        done(std::move(all));
      });
}

Explanation::Version ModelManager::ExplainVersion(const ModelVersion& version, bool current) const {
  Explanation::Version explained{.id = version.id,
                                 .tag = version.found.tag,
                                 .digest = version.digest,
                                 .directory = version.directory,
                                 .current = current,
                                 .fetch_time = version.fetch_time,
                                 .load_time = version.load_time,
                                 .loaded_at = version.loaded_at};
  if (auto row = residency_.row(version.id, Now())) explained.row = std::move(*row);
  if (version.serving) explained.counters = version.serving->handle.counters();
  return explained;
}

void ModelManager::Explain(std::string name, ResultCallback<Explanation> done) {
  Post([this, name = std::move(name), done = std::move(done)]() mutable {
    const ModelEntry* entry = EntryOf(name);
    if (entry == nullptr) {
      const auto origin = parts_.catalog.Find(name);
      if (!origin) return done(Error(origin.error()));
      return done(Explanation{.name = name, .origin = *origin});
    }
    TellUsage();
    Explanation explanation{.name = name,
                            .origin = entry->origin,
                            .held = entry->control.held,
                            .gone = entry->gone,
                            .loads = entry->loads,
                            .evictions = entry->evictions,
                            .last_unload_reason = entry->last_unload_reason,
                            .last_unload_at = entry->last_unload_at,
                            .last_error = entry->last_error,
                            .last_error_at = entry->last_error_at};
    for (const auto& [id, version] : versions_)
      if (version.name == name)
        explanation.versions.push_back(ExplainVersion(version, id == entry->current));
    done(std::move(explanation));
  });
}

}  // namespace sarai::instance
