#include "policy/rate_limiting.h"

#include <algorithm>

namespace sarai::policy {
namespace {

constexpr int kEveryDevice = -1;
constexpr int kGlobal = -2;

}  // namespace

// All instances of a group that names no GPU are on device 0.
RateLimiter::Key RateLimiter::KeyOf(const InstanceGroup& group,
                                    const InstanceGroup::Resource& resource) {
  if (resource.global) return {resource.name, kGlobal};
  return {resource.name, group.gpus.empty() ? 0 : group.gpus.front()};
}

uint32_t RateLimiter::CapacityOf(const Key& key) const {
  if (const auto named = capacities_.find(key.first); named != capacities_.end()) {
    const auto& by_device = named->second;
    for (const int device : {key.second, kEveryDevice})
      if (const auto found = by_device.find(device); found != by_device.end()) return found->second;
    uint32_t most = 0;
    if (key.second == kGlobal)
      for (const auto& [device, count] : by_device) most = std::max(most, count);
    return most;
  }
  const auto asked = asked_.find(key);
  return asked == asked_.end() || asked->second.empty() ? 0 : asked->second.rbegin()->first;
}

Status RateLimiter::Add(Id id, const std::vector<InstanceGroup>& groups) {
  for (const InstanceGroup& group : groups)
    for (const auto& resource : group.resources)
      if (capacities_.contains(resource.name) && !group.passive &&
          resource.count > CapacityOf(KeyOf(group, resource)))
        return MakeStatus(Code::kInvalidArgument,
                          "instance_group '{}' needs {} of resource '{}', but there are only {}",
                          group.name, resource.count, resource.name,
                          CapacityOf(KeyOf(group, resource)));
  Member& member = members_[id];
  for (const InstanceGroup& group : groups) {
    member.groups.push_back({.spec = group});
    for (const auto& resource : group.resources)
      asked_[KeyOf(group, resource)].emplace(resource.count, id);
  }
  return {};
}

void RateLimiter::Remove(Id id) {
  const auto found = members_.find(id);
  if (found == members_.end()) return;
  for (auto& [key, amounts] : asked_)
    std::erase_if(amounts, [&](const auto& asked) { return asked.second == id; });
  const bool running =
      std::ranges::any_of(found->second.groups, [](const Group& g) { return g.running > 0; });
  if (!running) {
    members_.erase(found);
    return;
  }
  found->second.removed = true;
  found->second.waiting = false;
}

// Somebody else has waited too long for it.
bool RateLimiter::IsKeptFree(Id asking, const Key& key) const {
  return std::ranges::any_of(members_, [&](const auto& other) {
    const Member& member = other.second;
    if (other.first == asking || !member.waiting || member.passed_over < kPassedOverMax)
      return false;
    return std::ranges::any_of(member.groups, [&](const Group& group) {
      return group.Runs() && std::ranges::any_of(group.spec.resources, [&](const auto& resource) {
               return KeyOf(group.spec, resource) == key;
             });
    });
  });
}

bool RateLimiter::Fits(Id id, const Group& group) const {
  const auto asking = members_.find(id);
  const bool starved = asking->second.waiting && asking->second.passed_over >= kPassedOverMax;
  return std::ranges::all_of(group.spec.resources, [&](const auto& resource) {
    const Key key = KeyOf(group.spec, resource);
    const auto used = used_.find(key);
    const uint32_t taken = used == used_.end() ? 0 : used->second;
    // With nothing taken even one that asks for more than there is now may run: alone.
    const bool free = taken == 0 || taken + resource.count <= CapacityOf(key);
    return free && (starved || !IsKeptFree(id, key));
  });
}

std::optional<size_t> RateLimiter::BestGroup(Id id, const Member& member) const {
  std::optional<size_t> best;
  for (size_t i = 0; i < member.groups.size(); ++i) {
    const Group& group = member.groups[i];
    const int instances =
        group.spec.count * std::max<int>(1, static_cast<int>(group.spec.gpus.size()));
    if (!group.Runs() || group.running >= instances || !Fits(id, group)) continue;
    if (!best || group.score() < member.groups[*best].score()) best = i;
  }
  return best;
}

std::optional<size_t> RateLimiter::TryStart(Id id) {
  const auto found = members_.find(id);
  if (found == members_.end()) return std::nullopt;
  Member& member = found->second;
  const auto best = BestGroup(id, member);
  member.waiting = !best.has_value();
  if (!best) return best;
  member.passed_over = 0;
  Group& group = member.groups[*best];
  ++group.running;
  ++group.executions;
  Book(group.spec, true);
  for (auto& [other, waits] : members_) {
    if (!waits.waiting || waits.passed_over >= kPassedOverMax) continue;
    ++waits.passed_over;
  }
  return best;
}

std::vector<RateLimiter::Id> RateLimiter::OnEnd(Id id, size_t index, bool ran) {
  const auto ended = members_.find(id);
  if (ended == members_.end() || index >= ended->second.groups.size()) return {};
  Group& group = ended->second.groups[index];
  --group.running;
  if (!ran) --group.executions;
  Book(group.spec, false);
  if (ended->second.removed &&
      std::ranges::none_of(ended->second.groups, [](const Group& g) { return g.running > 0; }))
    members_.erase(ended);

  std::vector<std::pair<uint64_t, Id>> due;
  for (const auto& [other, member] : members_) {
    if (!member.waiting) continue;
    if (const auto best = BestGroup(other, member))
      due.emplace_back(member.groups[*best].score(), other);
  }
  std::ranges::sort(due);
  std::vector<Id> ids;
  for (const auto& [score, other] : due) ids.push_back(other);
  return ids;
}

void RateLimiter::Book(const InstanceGroup& group, bool take) {
  for (const auto& resource : group.resources) {
    uint32_t& used = used_[KeyOf(group, resource)];
    used = take ? used + resource.count : used - std::min(used, resource.count);
  }
}

}  // namespace sarai::policy
