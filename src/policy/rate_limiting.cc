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

std::vector<RateLimiter::Id> RateLimiter::Remove(Id id) {
  const auto found = members_.find(id);
  if (found == members_.end()) return {};
  for (auto& [key, amounts] : asked_)
    std::erase_if(amounts, [&](const auto& asked) { return asked.second == id; });
  const bool running =
      std::ranges::any_of(found->second.groups, [](const Group& g) { return g.running > 0; });
  found->second.removed = true;
  found->second.waiting = found->second.called = false;
  if (!running) members_.erase(found);
  return Call();
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

bool RateLimiter::Fits(Id id, const Group& group, const Used& used) const {
  const auto asking = members_.find(id);
  const bool starved = asking->second.waiting && asking->second.passed_over >= kPassedOverMax;
  return std::ranges::all_of(group.spec.resources, [&](const auto& resource) {
    const Key key = KeyOf(group.spec, resource);
    const auto found = used.find(key);
    const uint32_t taken = found == used.end() ? 0 : found->second;
    // With nothing taken even one that asks for more than there is now may run: alone.
    const bool free = taken == 0 || taken + resource.count <= CapacityOf(key);
    return free && (starved || !IsKeptFree(id, key));
  });
}

std::optional<RateLimiter::Candidate> RateLimiter::BestGroup(Id id, const Member& member,
                                                             const Used& used) const {
  std::optional<Candidate> best;
  for (size_t i = 0; i < member.groups.size(); ++i) {
    const Group& group = member.groups[i];
    const int instances =
        group.spec.count * std::max<int>(1, static_cast<int>(group.spec.gpus.size()));
    if (!group.Runs() || group.running >= instances || !Fits(id, group, used)) continue;
    if (!best || group.score() < best->score) best = Candidate{group.score(), id, i};
  }
  return best;
}

// The members that are waiting, or called, and could run; who ran least first.
std::vector<RateLimiter::Candidate> RateLimiter::InOrder(bool Member::* which) const {
  std::vector<Candidate> found;
  for (const auto& [id, member] : members_) {
    if (!(member.*which)) continue;
    if (const auto best = BestGroup(id, member, used_)) found.push_back(*best);
  }
  std::ranges::sort(found);
  return found;
}

// There is room besides what those take who were called and ran less.
bool RateLimiter::IsItsTurn(const Candidate& asking) const {
  Used used = used_;
  for (const Candidate& called : InOrder(&Member::called)) {
    if (called.score >= asking.score) break;
    Book(used, members_.at(called.id).groups[called.group].spec, true);
  }
  return Fits(asking.id, members_.at(asking.id).groups[asking.group], used);
}

std::optional<size_t> RateLimiter::TryStart(Id id) {
  const auto found = members_.find(id);
  if (found == members_.end() || found->second.removed) return std::nullopt;
  Member& member = found->second;
  member.called = false;
  const auto best = BestGroup(id, member, used_);
  member.waiting = !best || !IsItsTurn(*best);
  if (member.waiting) return std::nullopt;
  member.passed_over = 0;
  Group& group = member.groups[best->group];
  ++group.running;
  ++group.executions;
  Book(used_, group.spec, true);
  for (auto& [other, waits] : members_) {
    if (!waits.waiting || waits.passed_over >= kPassedOverMax) continue;
    ++waits.passed_over;
  }
  return best->group;
}

std::vector<RateLimiter::Id> RateLimiter::OnEnd(Id id, size_t index, const Ended& ended) {
  const auto found = members_.find(id);
  if (found == members_.end() || index >= found->second.groups.size()) return {};
  Member& member = found->second;
  Group& group = member.groups[index];
  --group.running;
  if (!ended.ran) --group.executions;
  Book(used_, group.spec, false);
  member.waiting |= ended.again && !member.removed;
  if (member.removed &&
      std::ranges::none_of(member.groups, [](const Group& g) { return g.running > 0; }))
    members_.erase(found);
  return Call();
}

// As many of those who wait as there is room for, beside those who were called already.
std::vector<RateLimiter::Id> RateLimiter::Call() {
  Used used = used_;
  for (const Candidate& called : InOrder(&Member::called))
    Book(used, members_.at(called.id).groups[called.group].spec, true);
  std::vector<Id> ids;
  for (const Candidate& waiting : InOrder(&Member::waiting)) {
    Member& member = members_.at(waiting.id);
    if (member.called) continue;
    const auto best = BestGroup(waiting.id, member, used);
    if (!best) continue;
    member.called = true;
    Book(used, member.groups[best->group].spec, true);
    ids.push_back(waiting.id);
  }
  return ids;
}

void RateLimiter::Book(Used& used, const InstanceGroup& group, bool take) {
  for (const auto& resource : group.resources) {
    uint32_t& count = used[KeyOf(group, resource)];
    count = take ? count + resource.count : count - std::min(count, resource.count);
  }
}

}  // namespace sarai::policy
