// A test's instance: hands events to a Residency, keeps the actions it is told, and answers parked
// requests by them, checking at every step what residency.h promises.
#pragma once

#include <map>
#include <set>

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "base/bytes.h"
#include "policy/residency.h"

namespace sarai::policy {

// Sizes are known and nothing is added to them, so that they can be read off a test.
inline ResidencyOptions Exact(uint64_t memory_mib = 0, uint64_t disk_mib = 0) {
  return {.memory_budget_bytes = memory_mib * kMiB,
          .disk_budget_bytes = disk_mib * kMiB,
          .churn_guard = std::chrono::seconds(0),
          .size_factor = 1,
          .load_peak_factor = 0,
          .unpack_factor = 1};
}

class FakeInstance {
 public:
  using Kind = ResidencyAction::Kind;

  // What the instance itself knows of a model, independent of the policy's books.
  struct World {
    bool on_disk = false;
    bool in_memory = false;
    bool deletable = true;
    std::set<Kind> under_way;  // fetch, load, unload, delete
    uint64_t files = 10 * kMiB;
    uint64_t memory = 12 * kMiB;
    Duration load_time = std::chrono::milliseconds(100);
    int64_t in_flight = 0;
    uint64_t new_requests = 0;
    TimePoint last_used{};
    std::vector<int> parked;  // request numbers, oldest first
    int loads = 0, fetches = 0;
  };

  explicit FakeInstance(const ResidencyOptions& given)
      : options(given), residency(std::make_unique<Residency>(given)) {}

  // --- what a test does -------------------------------------------------------------------------
  void Know(const std::string& id, Residency::Known known = {}) {
    World& world = models[id];
    world.on_disk = known.on_disk;
    world.deletable = known.deletable;
    if (known.disk_bytes > 0) world.files = known.disk_bytes;
    if (known.measured_memory > 0) world.memory = known.measured_memory;
    residency->Add(id, known);
  }
  // A model of `mib` MiB of files that takes as much memory, and is known to.
  void KnowOnDisk(const std::string& id, uint64_t mib, bool pinned = false) {
    Know(id, {.on_disk = true,
              .pinned = pinned,
              .disk_bytes = mib * kMiB,
              .measured_memory = mib * kMiB,
              .measured_load = std::chrono::milliseconds(100)});
  }

  int Request(const std::string& id) {
    const int number = next_request++;
    arrivals[number] = now;
    ResidencyActions actions;
    TellUsage();
    const auto outcome = residency->OnRequest(id, now, actions);
    switch (outcome.kind) {
      case Residency::RequestOutcome::Kind::kReadyNow:
        EXPECT_TRUE(models[id].in_memory) << id;
        Serve(id, number);
        break;
      case Residency::RequestOutcome::Kind::kWaiting: models[id].parked.push_back(number); break;
      case Residency::RequestOutcome::Kind::kRefused: answers.emplace(number, outcome.refusal);
    }
    Take(std::move(actions));
    return number;
  }
  void Want(const std::string& id) { Take((TellUsage(), residency->OnWanted(id, now))); }
  void Retire(const std::string& id, Status why) {
    TellUsage();
    Take(residency->Retire(id, std::move(why), now));
  }

  // Ends what is under way.
  void FinishFetch(const std::string& id, Status status = {}) {
    World& world = End(id, Kind::kFetch);
    world.on_disk = status.ok();
    TellUsage();
    if (!status.ok()) return Take(residency->OnFetched(id, std::unexpected(status), now));
    Take(residency->OnFetched(id, Residency::Fetched{.disk_bytes = world.files}, now));
  }
  void FinishLoad(const std::string& id, Status status = {}) {
    World& world = End(id, Kind::kLoad);
    world.in_memory = status.ok();
    TellUsage();
    if (!status.ok()) return Take(residency->OnLoaded(id, std::unexpected(status), now));
    Take(residency->OnLoaded(
        id, Residency::Loaded{.memory_bytes = world.memory, .load_time = world.load_time}, now));
  }
  void FinishUnload(const std::string& id) {
    World& world = End(id, Kind::kUnload);
    world.in_memory = false;
    world.in_flight = 0;  // they were drained
    TellUsage();
    Take(residency->OnUnloaded(id, now));
  }
  void FinishDelete(const std::string& id) {
    End(id, Kind::kDelete).on_disk = false;
    TellUsage();
    Take(residency->OnDeleted(id, now));
  }
  void Lose(const std::string& id) {
    models[id].in_memory = false;
    models[id].in_flight = 0;
    TellUsage();
    Take(residency->OnLost(id, now));
  }
  void Overhead(uint64_t bytes) { Take((TellUsage(), residency->OnOverhead(bytes, now))); }
  void UnloadWanted(const std::string& id) {
    Take((TellUsage(), residency->OnUnloadWanted(id, "asked for", now)));
  }
  void Tick() { Take((TellUsage(), residency->OnTick(now))); }
  // Moves time, ticking whenever the policy wants it.
  void Advance(Duration by) {
    const TimePoint end = now + by;
    while (true) {
      const auto wake = residency->WakeAt();
      if (!wake || *wake > end) break;
      now = std::max(now, *wake);
      Tick();
      CheckNobodyWaitsTooLong();
    }
    now = end;
  }
  void Idle(const std::string& id) { models[id].in_flight = 0; }
  // Request, fetch and load, without leaving it in use.
  void Bring(const std::string& id) {
    const int request = Request(id);
    Settle();
    EXPECT_TRUE(answers.contains(request)) << id;
    Idle(id);
  }
  // Ends all that is under way, and what that starts, until nothing is.
  void Settle() {
    for (int guard = 0; guard < 10000; ++guard) {
      if (!FinishOne()) return;
    }
    ADD_FAILURE() << "never settles";
  }

  // --- what a test looks at ---------------------------------------------------------------------
  bool Is(const std::string& id, Kind kind) const {
    const auto at = models.find(id);
    return at != models.end() && at->second.under_way.contains(kind);
  }
  std::vector<std::string> UnderWay(Kind kind) const {
    std::vector<std::string> result;
    for (const auto& [id, world] : models) {
      if (world.under_way.contains(kind)) result.push_back(id);
    }
    return result;
  }
  std::vector<std::string> Ready() const {
    std::vector<std::string> result;
    for (const auto& [id, world] : models) {
      if (residency->state(id) == ModelState::kReady) result.push_back(id);
    }
    return result;
  }
  // Not answered yet: nothing. Served: OK.
  std::optional<Status> Answer(int request) const {
    const auto at = answers.find(request);
    return at == answers.end() ? std::nullopt : std::optional(at->second);
  }
  bool Served(int request) const {
    const auto answer = Answer(request);
    return answer && answer->ok();
  }
  std::optional<Code> Failed(int request) const {
    const auto answer = Answer(request);
    return answer && !answer->ok() ? std::optional(answer->code()) : std::nullopt;
  }
  std::string LastReason(Kind kind) const {
    for (auto at = history.rbegin(); at != history.rend(); ++at) {
      if (at->kind == kind) return at->decision.reason;
    }
    return "";
  }

  // Carries out and checks what the policy says.
  void Take(ResidencyActions actions) {
    for (ResidencyAction& action : actions) {
      EXPECT_FALSE(action.decision.reason.empty()) << action.id;
      switch (action.kind) {
        case Kind::kAdmit:
        case Kind::kFail: AnswerParked(action); break;
        default: Begin(action);
      }
      history.push_back(std::move(action));
    }
    if (history.size() > 4096) history.erase(history.begin(), history.begin() + 2048);
    CheckTotals();
  }

  void TellUsage() {
    for (auto& [id, world] : models) {
      if (residency->state(id) != ModelState::kReady) continue;
      residency->OnUsage(id,
                         {.last_used = world.last_used,
                          .requests = world.new_requests,
                          .in_flight = world.in_flight},
                         now);
      world.new_requests = 0;
    }
  }

  bool FinishOne() {
    for (auto& [id, world] : models) {
      if (world.under_way.empty()) continue;
      switch (*world.under_way.begin()) {
        case Kind::kFetch: FinishFetch(id); return true;
        case Kind::kLoad: FinishLoad(id); return true;
        case Kind::kUnload: FinishUnload(id); return true;
        case Kind::kDelete: FinishDelete(id); return true;
        default: return false;
      }
    }
    return false;
  }

  const ResidencyOptions options;
  std::unique_ptr<Residency> residency;
  TimePoint now{std::chrono::hours{100}};
  std::map<std::string, World> models;
  std::map<int, Status> answers;
  std::vector<ResidencyAction> history;
  std::map<int, TimePoint> arrivals;
  int next_request = 1;
  bool sizes_are_known = false;  // the policy knows all sizes from the start

 private:
  void Serve(const std::string& id, int number) {
    ++models[id].in_flight;
    ++models[id].new_requests;
    models[id].last_used = now;
    EXPECT_TRUE(answers.emplace(number, Status()).second) << "answered twice: " << number;
  }

  void AnswerParked(const ResidencyAction& action) {
    World& world = models[action.id];
    ASSERT_LE(action.count, world.parked.size()) << action.id;
    if (action.kind == Kind::kAdmit) {
      EXPECT_EQ(action.count, world.parked.size()) << action.id;
      EXPECT_TRUE(world.in_memory) << action.id;
    } else {
      EXPECT_FALSE(action.status.ok()) << action.id;
    }
    for (uint32_t i = 0; i < action.count; ++i) {
      const int number = world.parked[i];
      if (action.kind == Kind::kAdmit) {
        Serve(action.id, number);
      } else {
        EXPECT_TRUE(answers.emplace(number, action.status).second) << "answered twice: " << number;
      }
    }
    world.parked.erase(world.parked.begin(), world.parked.begin() + action.count);
  }

  void Begin(const ResidencyAction& action) {
    World& world = models[action.id];
    EXPECT_TRUE(world.under_way.empty()) << action.id << " does something already";
    world.under_way.insert(action.kind);
    switch (action.kind) {
      case Kind::kFetch:
        EXPECT_FALSE(world.on_disk) << action.id;
        ++world.fetches;
        break;
      case Kind::kLoad:
        EXPECT_TRUE(world.on_disk) << action.id;
        EXPECT_FALSE(world.in_memory) << action.id;
        CheckBudgetOnLoad(action.id);
        ++world.loads;
        break;
      case Kind::kUnload:
        EXPECT_TRUE(world.in_memory) << action.id;
        if (action.decision.kind == DecisionKind::kEvict) {
          EXPECT_EQ(world.in_flight, 0) << action.id << " is in use";
          EXPECT_FALSE(residency->row(action.id, now)->pinned) << action.id;
        }
        break;
      case Kind::kDelete:
        EXPECT_TRUE(world.on_disk) << action.id;
        EXPECT_FALSE(world.in_memory) << action.id << " has its files mapped";
        EXPECT_TRUE(world.deletable) << action.id << " is the user's";
        break;
      default: ADD_FAILURE() << "not to be begun";
    }
  }

  void CheckBudgetOnLoad(const std::string& id) const {
    if (options.memory_budget_bytes == 0) return;
    const ResidencyTotals totals = residency->totals();
    EXPECT_LE(totals.memory_used_bytes + totals.memory_overhead_bytes, options.memory_budget_bytes)
        << "a load of " << id << " was started into memory that is not free";
    if (!sizes_are_known) return;
    uint64_t really_used = 0;
    for (const auto& [name, world] : models) {
      const bool uses = world.in_memory || world.under_way.contains(Kind::kLoad);
      really_used += uses ? world.memory : 0;
    }
    EXPECT_LE(really_used, options.memory_budget_bytes) << "by the load of " << id;
  }

  World& End(const std::string& id, Kind kind) {
    World& world = models[id];
    EXPECT_EQ(world.under_way.erase(kind), 1u) << id;
    return world;
  }

  void CheckNobodyWaitsTooLong() const {
    for (const auto& [id, world] : models) {
      if (world.parked.empty()) continue;
      EXPECT_GT(arrivals.at(world.parked.front()) + options.wait_budget, now) << id;
    }
  }

  void CheckTotals() const {
    const ResidencyTotals totals = residency->totals();
    EXPECT_EQ(static_cast<size_t>(totals.fetching), UnderWay(Kind::kFetch).size());
    EXPECT_EQ(static_cast<size_t>(totals.loading), UnderWay(Kind::kLoad).size());
    EXPECT_EQ(static_cast<size_t>(totals.draining), UnderWay(Kind::kUnload).size());
    EXPECT_LE(totals.fetching, options.max_concurrent_fetches);
    EXPECT_LE(totals.loading, options.max_concurrent_loads);
    size_t parked = 0;
    for (const auto& [id, world] : models) parked += world.parked.size();
    EXPECT_EQ(totals.waiting, parked);
  }
};

}  // namespace sarai::policy
