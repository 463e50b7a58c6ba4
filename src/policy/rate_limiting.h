// Triton's rate limiter (docs/user_guide/rate_limiter.md): a run may start only while the resources
// that its instance group names are free; of those that wait, the ones that ran least (executions ×
// priority) go first. Pure: told who wants to run and who has ended; says who may.
//
// Who waits is called once there is room, and asks again; until it has, nobody who ran more may
// take that room. No deadlock: a run takes all that it needs at once or nothing, and holds it only
// while it runs. No head blocks the line: whoever fits goes; but one that was passed over
// kPassedOverMax times has what it needs kept free until it goes.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "types/model_spec.h"

namespace sarai::policy {

class RateLimiter {
 public:
  // By resource, by device; device -1 = every device. Absent = as much as the group that asks most.
  using Capacities = std::map<std::string, std::map<int, uint32_t>>;
  explicit RateLimiter(Capacities capacities) : capacities_(std::move(capacities)) {}

  static constexpr int kPassedOverMax = 64;

  // Any number that names one model version.
  using Id = uint64_t;

  // Errors: kInvalidArgument when a group asks for more than there is. Passive groups never run.
  Status Add(Id id, const std::vector<InstanceGroup>& groups);
  // Ends its waiting; its runs are still ended by OnEnd. Who is called in its place.
  std::vector<Id> Remove(Id id);

  // The group (its index) on whose behalf a run starts now; nothing: it waits, and is called when
  // its turn comes.
  std::optional<size_t> TryStart(Id id);
  struct Ended {
    bool ran = true;     // else it was not needed after all, and does not count
    bool again = false;  // it wants another run: as if it had asked, and waits
  };
  // A run has ended. Who is called: each of them must ask once more.
  std::vector<Id> OnEnd(Id id, size_t group, const Ended& ended);

 private:
  struct Group {
    InstanceGroup spec;
    int running = 0;
    uint64_t executions = 0;
    uint64_t score() const { return executions * spec.rate_priority; }
    bool Runs() const { return !spec.passive; }
  };
  struct Member {
    std::vector<Group> groups;
    bool waiting = false;
    bool called = false;  // has not asked since
    int passed_over = 0;
    bool removed = false;
  };
  using Key = std::pair<std::string, int>;  // resource and device; global: kGlobal
  using Used = std::map<Key, uint32_t>;
  struct Candidate {
    uint64_t score;
    Id id;
    size_t group;
    auto operator<=>(const Candidate&) const = default;
  };

  static Key KeyOf(const InstanceGroup& group, const InstanceGroup::Resource& resource);
  uint32_t CapacityOf(const Key& key) const;
  bool Fits(Id id, const Group& group, const Used& used) const;
  bool IsKeptFree(Id asking, const Key& key) const;
  std::optional<Candidate> BestGroup(Id id, const Member& member, const Used& used) const;
  std::vector<Candidate> InOrder(bool Member::* which) const;
  bool IsItsTurn(const Candidate& asking) const;
  std::vector<Id> Call();
  static void Book(Used& used, const InstanceGroup& group, bool take);

  const Capacities capacities_;
  std::map<Id, Member> members_;
  Used used_;
  std::map<Key, std::multimap<uint32_t, Id>> asked_;  // by amount: what unnamed resources have
};

}  // namespace sarai::policy
