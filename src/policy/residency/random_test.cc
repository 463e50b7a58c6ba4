// Residency under random events: thousands of steps a seed, the promises of residency.h checked at
// each by FakeInstance. A failure names its seed, which replays it.
#include <random>

#include "policy/residency/fake_instance.h"

namespace sarai::policy {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Kind = ResidencyAction::Kind;

constexpr int kModels = 40;
constexpr int kSteps = 6000;

class RandomLife {
 public:
  RandomLife(uint32_t seed, const ResidencyOptions& options) : random_(seed), instance(options) {}

  void KnowModels(bool sizes_are_known) {
    instance.sizes_are_known = sizes_are_known;
    for (int i = 0; i < kModels; ++i) KnowModel(i);
  }

  void Step() {
    switch (Below(100)) {
      case 0: return Overhead();
      case 1: return Retire();
      case 2: return instance.UnloadWanted(AnyModel());
      case 3: return Lose();
      case 4: return instance.Want(AnyModel());
      case 5: return instance.Advance(milliseconds(Below(20'000)));
      default: break;
    }
    switch (Below(4)) {
      case 0: instance.Request(AnyModel()); return;
      case 1: return FinishSomething(/*may_fail=*/true);
      case 2: return ToggleUse();
      default: return instance.Advance(milliseconds(Below(100)));
    }
  }

  // The world becomes quiet: everything under way ends, nobody uses anything, and no more fails.
  void ComeToRest() {
    instance.Overhead(0);
    for (int i = 0; i < 2000; ++i) {
      for (auto& [id, world] : instance.models) world.in_flight = 0;
      FinishSomething(/*may_fail=*/false);
      instance.Advance(instance.options.room_retry);
    }
  }

  // Of those, how many were served rather than failed.
  int CountServed() const {
    return static_cast<int>(std::ranges::count_if(
        instance.answers, [](const auto& answer) { return answer.second.ok(); }));
  }

 private:
  int Below(int bound) { return static_cast<int>(random_() % static_cast<uint32_t>(bound)); }

  // Low numbers are asked for far more often.
  std::string AnyModel() {
    const int rank = Below(kModels) * Below(kModels) / kModels;
    return fmt::format("model-{}", rank);
  }

  void KnowModel(int i) {
    const std::string id = fmt::format("model-{}", i);
    const uint64_t size = static_cast<uint64_t>(1 + Below(i % 7 == 0 ? 60 : 12)) * kMiB;
    const bool users_own = i % 5 == 0;
    const bool pinned = i % 20 == 19;
    Residency::Known known{.on_disk = users_own,
                           .deletable = !users_own,
                           .pinned = pinned,
                           .disk_bytes = users_own ? size : 0,
                           .download_bytes = users_own ? 0 : size,
                           .measured_memory = instance.sizes_are_known ? size : 0};
    FakeInstance::World& world = instance.models[id];
    world.files = size;
    world.memory = size;
    if (!instance.sizes_are_known) {
      world.files = size * static_cast<uint64_t>(1 + Below(3));
      world.memory = 1 + size * static_cast<uint64_t>(Below(4)) / 2;
      known.disk_bytes = users_own ? world.files : 0;
    }
    instance.Know(id, known);
  }

  void FinishSomething(bool may_fail) {
    std::vector<std::pair<std::string, Kind>> under_way;
    for (const auto& [id, world] : instance.models) {
      for (Kind kind : world.under_way) under_way.emplace_back(id, kind);
    }
    if (under_way.empty()) return;
    const auto& [id, kind] =
        under_way[static_cast<size_t>(Below(static_cast<int>(under_way.size())))];
    const Status status = may_fail && Below(6) == 0 ? AnyFailure() : Status();
    switch (kind) {
      case Kind::kFetch: return instance.FinishFetch(id, status);
      case Kind::kLoad: return instance.FinishLoad(id, status);
      case Kind::kUnload: return instance.FinishUnload(id);
      default: return instance.FinishDelete(id);
    }
  }

  Status AnyFailure() {
    constexpr Code kCodes[] = {Code::kUnavailable, Code::kDataLoss, Code::kInternal,
                               Code::kNotFound, Code::kDeadlineExceeded};
    return Status(kCodes[Below(5)], "random");
  }

  void ToggleUse() {
    const auto ready = instance.Ready();
    if (ready.empty()) return;
    auto& world =
        instance.models[ready[static_cast<size_t>(Below(static_cast<int>(ready.size())))]];
    world.in_flight = Below(3) == 0 ? 1 : 0;
  }

  void Lose() {
    const auto ready = instance.Ready();
    if (!ready.empty())
      instance.Lose(ready[static_cast<size_t>(Below(static_cast<int>(ready.size())))]);
  }

  void Overhead() { instance.Overhead(static_cast<uint64_t>(Below(30)) * kMiB); }

  // A model goes; another time it is there again.
  void Retire() {
    const std::string id = AnyModel();
    if (instance.residency->row(id, instance.now)) {
      return instance.Retire(id, Status(Code::kNotFound, "gone"));
    }
    const auto& world = instance.models[id];
    if (world.under_way.empty()) {
      instance.residency->Add(id, {.on_disk = world.on_disk,
                                   .deletable = world.deletable,
                                   .disk_bytes = world.on_disk ? world.files : 0,
                                   .download_bytes = world.files,
                                   .measured_memory = instance.sizes_are_known ? world.memory : 0});
    }
  }

  std::mt19937 random_;

 public:
  FakeInstance instance;
};

ResidencyOptions Tight(uint32_t seed) {
  ResidencyOptions options{.memory_budget_bytes = 80 * kMiB, .disk_budget_bytes = 160 * kMiB};
  options.max_waiting_per_model = 8;
  options.max_waiting_total = 40;
  options.wait_budget = seconds(20);
  options.max_concurrent_loads = 1 + static_cast<int>(seed % 3);
  options.load_peak_factor = seed % 2 == 0 ? 1 : 0;
  if (seed % 5 == 0) options.memory_budget_bytes = 0;
  if (seed % 7 == 0) options.disk_budget_bytes = 0;
  return options;
}

class RandomResidency : public testing::TestWithParam<uint32_t> {};

TEST_P(RandomResidency, KeepsItsPromisesAndAnswersEveryRequest) {
  for (bool sizes_are_known : {true, false}) {
    RandomLife life(GetParam(), Tight(GetParam()));
    life.KnowModels(sizes_are_known);
    for (int i = 0; i < kSteps && !testing::Test::HasFailure(); ++i) life.Step();
    ASSERT_FALSE(HasFailure()) << "seed " << GetParam();
    life.ComeToRest();
    FakeInstance& instance = life.instance;
    EXPECT_EQ(instance.residency->totals().waiting, 0u);
    EXPECT_EQ(instance.answers.size(), static_cast<size_t>(instance.next_request - 1));
    EXPECT_GT(life.CountServed(), kSteps / 20) << "the test exercises something";
    EXPECT_EQ(instance.residency->WakeAt(), std::nullopt);
    const ResidencyTotals totals = instance.residency->totals();
    EXPECT_EQ(totals.fetching + totals.loading + totals.draining, 0);
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomResidency, testing::Range(1u, 17u));

}  // namespace
}  // namespace sarai::policy
