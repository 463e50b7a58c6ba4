// Which version a name has: looking at its origin, taking a new one over, letting old ones go.
#include <utility>

#include "base/log.h"
#include "instance/model_manager.h"

namespace sarai::instance {
namespace {

// Failures that belong to the bytes: the same version will fail again.
bool IsLasting(Code code) {
  return code != Code::kUnavailable && code != Code::kDeadlineExceeded &&
         code != Code::kCancelled && code != Code::kPermissionDenied;
}

std::string VersionId(const ModelEntry& entry, const std::string& tag) {
  std::string id = entry.name + "@";
  for (const char c : tag)
    if (c != '"') id += c;  // ETags come with quotes
  if (entry.config_number > 0) id += fmt::format("#{}", entry.config_number);
  return id;
}

}  // namespace

bool ModelManager::InUse(const std::string& id) const {
  const ModelVersion* version = VersionOf(id);
  if (version == nullptr) return false;
  const ModelState state = residency_.state(id);
  return !version->waiting.empty() || state == ModelState::kReady ||
         state == ModelState::kLoading || state == ModelState::kFetching;
}

// A cold request looks at the origin first where that is cheap (folders) or where what is known is
// of no use (nothing yet, deleted, failed). Otherwise what is on disk is good enough, and the check
// of its ETag goes on beside the load.
bool ModelManager::NeedsLookup(const ModelEntry& entry) const {
  if (entry.current.empty()) return true;
  if (entry.origin.kind == OriginKind::kLocal) return false;
  if (InUse(entry.current) || (!entry.next.empty() && InUse(entry.next))) return false;
  if (entry.origin.kind == OriginKind::kRepository || entry.gone) return true;
  const ModelVersion* version = VersionOf(entry.current);
  return version == nullptr || version->failed;
}

// The version that a request joins.
ModelVersion* ModelManager::Choose(const ModelEntry& entry, bool newest) {
  const bool replaced =
      !entry.next.empty() && (newest || residency_.state(entry.current) != ModelState::kReady);
  return VersionOf(replaced ? entry.next : entry.current);
}

void ModelManager::CheckOrigin(const std::string& name) {
  ModelEntry* entry = EntryOf(name);
  if (entry == nullptr || stopping_ || entry->origin.kind != OriginKind::kSource) return;
  entry->check_at = Now() + options_.revalidate_interval;
  StartLookup(*entry);
}

void ModelManager::StartLookup(ModelEntry& entry) {
  if (entry.looking_up) return;
  entry.looking_up = true;
  parts_.worker.Lookup(entry.origin, [this, name = entry.name,
                                      number = entry.form_number](Result<FoundVersion> found) {
    OnLookedUp(name, number, std::move(found));
  });
}

void ModelManager::ExpireUnresolved(const std::string& name) {
  ModelEntry* entry = EntryOf(name);
  while (entry != nullptr && !entry->unresolved.empty() &&
         entry->unresolved.front().since + options_.residency.wait_budget <= Now()) {
    Waiter waiter = std::move(entry->unresolved.front());
    entry->unresolved.pop_front();
    --unresolved_;
    waiter.done(Error(Code::kDeadlineExceeded, "the object store did not answer for '{}' in time",
                      entry->origin.url),
                true);
    entry = EntryOf(name);
  }
}

void ModelManager::OnLookedUp(const std::string& name, uint64_t form_number,
                              Result<FoundVersion> found) {
  ModelEntry* entry = EntryOf(name);
  if (entry == nullptr) return;
  entry->looking_up = false;
  if (form_number != entry->form_number && !stopping_) return StartLookup(*entry);
  entry->check_at = Now() + options_.revalidate_interval;
  if (ModelVersion* current = VersionOf(entry->current); current && current->serving)
    current->serving->SetCheck(entry->check_at);
  std::deque<Waiter> waiters = std::exchange(entry->unresolved, {});
  unresolved_ -= static_cast<uint32_t>(waiters.size());
  if (stopping_) return FailAll(std::move(waiters), Status(Code::kUnavailable, "stopping"));
  if (!found && found.error().code() == Code::kNotFound)
    return OnMissing(*entry, found.error(), std::move(waiters));
  if (!found) return OnLookupFailed(*entry, found.error(), std::move(waiters));
  Adopt(*entry, std::move(*found));
  for (Waiter& waiter : waiters) {
    entry = EntryOf(name);
    if (entry != nullptr && !entry->current.empty())
      Join(*entry, std::move(waiter));
    else
      waiter.done(Error(Code::kUnavailable, "model '{}' went away", name), true);
  }
}

void ModelManager::OnMissing(ModelEntry& entry, const Status& why, std::deque<Waiter> waiters) {
  const bool draining = residency_.state(entry.current) == ModelState::kDraining;
  if (!entry.current.empty() && (draining || InUse(entry.current))) {
    if (!entry.gone) {
      entry.gone = true;
      LogWarning("instance", "'{}' was deleted: model '{}' goes on answering while it is loaded",
                 entry.origin.url, entry.name);
      Record(DecisionKind::kFail, entry.name,
             "its object was deleted; it goes on answering while it is loaded");
    }
    for (Waiter& waiter : waiters) {
      if (waiter.newest || draining)
        waiter.done(Error(why), true);
      else
        Join(entry, std::move(waiter));
    }
    return;
  }
  Forget(std::string(entry.name), why);
  FailAll(std::move(waiters), why);
}

void ModelManager::OnLookupFailed(ModelEntry& entry, const Status& why,
                                  std::deque<Waiter> waiters) {
  LogWarning("instance", "looking for a new version of '{}': {}", entry.name, why.message());
  entry.last_error = why;
  entry.last_error_at = parts_.clock.WallNow();
  const std::string name = entry.name;
  if (entry.current.empty()) Forget(name, why);
  for (Waiter& waiter : waiters) {
    ModelEntry* known = EntryOf(name);
    if (known != nullptr && !known->current.empty() && !waiter.newest)
      Join(*known, std::move(waiter));
    else
      waiter.done(Error(why), true);
  }
}

ModelVersion& ModelManager::AddVersion(const ModelEntry& entry, const std::string& id,
                                       FoundVersion found) {
  ModelVersion& version = versions_[id];
  version.id = id;
  version.name = entry.name;
  static_cast<ModelForm&>(version) = entry;
  if (found.origin) {
    version.origin = *found.origin;
    version.origin.pinned = entry.origin.pinned;
  }
  version.retiring = false;
  retiring_.erase(id);
  if (version.origin.user_files()) {
    version.directory = version.origin.url;
  } else if (found.on_disk) {
    version.directory = found.on_disk->directory;
    version.digest = found.on_disk->digest;
  }
  version.found = std::move(found);
  const FoundVersion& facts = version.found;
  residency_.Add(id, {.name = entry.name,
                      .on_disk = !version.directory.empty(),
                      .deletable = !version.origin.user_files(),
                      .pinned = version.origin.pinned,
                      .disk_bytes = facts.on_disk ? facts.on_disk->bytes : facts.bytes,
                      .download_bytes = version.origin.user_files() ? 0 : facts.bytes,
                      .measured_memory = facts.measured.memory_bytes,
                      .measured_load = facts.measured.load_time});
  return version;
}

void ModelManager::AddFromDisk(const std::string& name, const ModelOrigin& origin,
                               const store::Artifact& artifact, const store::Measured& measured) {
  Post([this, name, origin, artifact, measured] {
    const auto found = FindEntry(name);
    if (!found || (*found)->origin.kind != OriginKind::kSource || !(*found)->current.empty())
      return;
    ModelEntry& entry = **found;
    const std::string id = VersionId(entry, artifact.etag);
    AddVersion(entry, id,
               {.tag = artifact.etag,
                .object = {.key = origin.key, .etag = artifact.etag},
                .on_disk = artifact,
                .measured = measured,
                .origin = origin});
    entry.current = id;
    feed_.Touch();
  });
}

// What the origin has now becomes the version of the name, at once if nothing depends on the one
// before, otherwise when it is ready.
void ModelManager::Adopt(ModelEntry& entry, FoundVersion found) {
  if (!found.store_unreachable) entry.gone = false;
  const std::string id = VersionId(entry, found.tag);
  if (id == entry.current) {
    if (!entry.next.empty())
      EndSwapBadly(entry,
                   MakeStatus(Code::kCancelled, "'{}' is as before again", entry.origin.url));
    return;
  }
  if (id == entry.next || id == entry.rejected) return;
  const std::string current = entry.current;
  if (current.empty() || !InUse(current)) {
    AddVersion(entry, id, std::move(found));
    entry.current = id;
    if (!current.empty())
      Retire(current,
             MakeStatus(Code::kUnavailable, "replaced by a new version of '{}'", entry.name));
    return;
  }
  if (found.store_unreachable) return;
  if (!entry.next.empty()) {
    if (!VersionOf(entry.next)->waiting.empty()) return;  // one at a time: the next check takes it
    EndSwapBadly(entry, MakeStatus(Code::kCancelled, "a newer version of '{}' came", entry.name));
  }
  AddVersion(entry, id, std::move(found));
  BeginSwap(entry, id);
}

void ModelManager::BeginSwap(ModelEntry& entry, const std::string& id) {
  entry.next = id;
  entry.made_room = false;
  swapping_.insert(entry.name);
  Record(DecisionKind::kSwap, entry.name,
         fmt::format("a new version is there ({}): loading it beside the old one",
                     VersionOf(id)->found.tag));
  TellUsage();
  Settle(residency_.OnWanted(id, Now()));
}

// The next version is ready.
void ModelManager::CompleteSwap(ModelEntry& entry) {
  const std::string old = std::exchange(entry.current, std::exchange(entry.next, {}));
  swapping_.erase(entry.name);
  parts_.metrics->CountSwap();
  LogInfo("instance", "model '{}' has a new version: {}", entry.name,
          VersionOf(entry.current)->found.tag);
  Record(DecisionKind::kSwap, entry.name, "the new version is ready and has taken over the name");
  Retire(old, MakeStatus(Code::kUnavailable, "replaced by a new version of '{}'", entry.name));
}

// The next version is dropped; the current one keeps the name.
void ModelManager::EndSwapBadly(ModelEntry& entry, const Status& why) {
  const std::string next = std::exchange(entry.next, {});
  swapping_.erase(entry.name);
  if (IsLasting(why.code())) entry.rejected = next;
  if (why.code() != Code::kCancelled) {
    LogWarning("instance", "the new version of model '{}' is not taken, the old one stays: {}",
               entry.name, why.message());
    Record(DecisionKind::kFail, entry.name,
           "the new version is not taken, the old one stays: " + why.message());
    entry.last_error = why;
    entry.last_error_at = parts_.clock.WallNow();
  }
  Retire(next, why);
}

// Where the next version waits for memory with nothing on its way out, the old one makes room.
void ModelManager::MakeRoomForSwaps() {
  const policy::ResidencyTotals totals = residency_.totals();
  if (swapping_.empty() || totals.draining > 0 || totals.loading > 0) return;
  for (const std::string& name : std::set(swapping_)) {
    ModelEntry* entry = EntryOf(name);
    if (entry == nullptr || entry->made_room) continue;
    const bool stuck = residency_.state(entry->next) == ModelState::kOnDisk;
    if (!stuck || residency_.state(entry->current) != ModelState::kReady) continue;
    entry->made_room = true;
    Settle(residency_.OnUnloadWanted(
        entry->current, "no room for the old and the new version: the old one goes first", Now()));
    return;
  }
}

void ModelManager::Retire(const std::string& id, Status why) {
  ModelVersion* version = VersionOf(id);
  if (version == nullptr) return;
  version->retiring = true;
  retiring_.insert(id);
  TellUsage();
  Settle(residency_.Retire(id, std::move(why), Now()));
}

}  // namespace sarai::instance
