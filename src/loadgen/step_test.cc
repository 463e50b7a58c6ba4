#include "loadgen/step.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

namespace sarai::loadgen {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;

// Answers on a thread of its own, as real targets do, with what `reply` says of the n-th request.
class ScriptedTarget final : public Target {
 public:
  using Script = std::function<std::optional<Reply>(size_t n, size_t model)>;
  explicit ScriptedTarget(Script script)
      : script_(std::move(script)), thread_([this] { Serve(); }) {}
  ~ScriptedTarget() override {
    {
      const std::lock_guard lock(mu_);
      ended_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }

  Result<std::vector<std::string>> ReadIndex() override { return std::vector<std::string>(); }
  Result<Signature> ReadSignature(const std::string&) override { return Signature(); }
  Status Prepare(const std::vector<std::string>&, const PayloadOptions&,
                 const InferRequest&) override {
    return {};
  }
  uint64_t request_bytes() const override { return 0; }
  std::string Describe() const override { return "scripted"; }

  void Send(size_t model, OnReply done) override {
    const std::lock_guard lock(mu_);
    most_waiting_ = std::max(most_waiting_, ++waiting_);
    queue_.emplace_back(model, std::move(done));
    changed_.notify_all();
  }

  size_t sent() const { return sent_; }
  size_t most_waiting() const { return most_waiting_; }

 private:
  void Serve() {
    std::unique_lock lock(mu_);
    while (true) {
      changed_.wait(lock, [this] { return ended_ || !queue_.empty(); });
      if (ended_) return;
      auto [model, done] = std::move(queue_.front());
      queue_.pop_front();
      const auto reply = script_(sent_++, model);
      if (!reply) continue;  // never answered
      --waiting_;
      lock.unlock();
      done(*reply);
      lock.lock();
    }
  }

  const Script script_;
  std::mutex mu_;
  std::condition_variable changed_;
  std::deque<std::pair<size_t, OnReply>> queue_;
  size_t sent_ = 0, waiting_ = 0, most_waiting_ = 0;
  bool ended_ = false;
  std::thread thread_;
};

// Outlives every target, as the program's does: an answer may come after its step's end.
const RealClock kRealClock;

Reply Answer(std::optional<Warmth> warmth = {}) { return {.warmth = warmth, .bytes = 10}; }

StepReport Measure(
    Target& target, StepPlan plan, const Clock& clock, size_t models = 1,
    const OnProgress& on_progress = [](const Progress&) { return true; }) {
  Acquaintance acquaintance(models);
  bool interrupted = false;
  plan.drain_patience = milliseconds(50);
  return RunStep(target, std::move(plan), acquaintance, clock, on_progress, interrupted);
}

TEST(Step, AClosedLoopSendsItsRequestsWithNoMoreUnderWayThanClients) {
  ScriptedTarget target([](size_t, size_t) { return Answer(); });
  const StepReport report = Measure(target, {.clients = 3, .requests = 500}, kRealClock);
  EXPECT_EQ(report.tally.answered(), 500u);
  EXPECT_EQ(report.tally.response_bytes(), 5000u);
  EXPECT_EQ(report.abandoned, 0u);
  EXPECT_LE(target.most_waiting(), 3u);
  EXPECT_FALSE(report.open_loop);
}

TEST(Step, ErrorsAreCountedByKindWithTheFirstMessageOfEach) {
  ScriptedTarget target([](size_t n, size_t) -> std::optional<Reply> {
    if (n % 5 == 0) return Reply{.error = "HTTP 503", .detail = "message " + std::to_string(n)};
    return Answer();
  });
  const StepReport report = Measure(target, {.clients = 2, .requests = 20}, kRealClock);
  EXPECT_EQ(report.tally.answered(), 16u);
  EXPECT_EQ(report.tally.failed(), 4u);
  EXPECT_EQ(report.tally.errors().at("HTTP 503").count, 4u);
  EXPECT_EQ(report.tally.errors().at("HTTP 503").example, "message 0");
}

TEST(Step, ARequestBeforeItsModelsFirstAnswerIsColdUnlessTheServerSaysOtherwise) {
  ScriptedTarget silent([](size_t, size_t) { return Answer(); });
  StepPlan plan{.clients = 1, .models = ModelChoice::RoundRobin(3), .requests = 30};
  EXPECT_EQ(Measure(silent, plan, kRealClock, 3).tally.cold().count(), 3u);
  ScriptedTarget telling(
      [](size_t n, size_t) { return Answer(n == 7 ? Warmth::kCold : Warmth::kWarm); });
  EXPECT_EQ(Measure(telling, plan, kRealClock, 3).tally.cold().count(), 1u);
}

TEST(Step, AnOpenLoopSendsNoMoreThanMayBeOutstandingAndCountsTheRest) {
  ScriptedTarget silent([](size_t, size_t) -> std::optional<Reply> { return std::nullopt; });
  StepPlan plan{.arrivals = Arrivals::Listed(std::vector<Duration>(10), 1),
                .duration = seconds(60),
                .max_outstanding = 4};
  const StepReport report = Measure(silent, std::move(plan), kRealClock);
  EXPECT_TRUE(report.open_loop);
  EXPECT_EQ(report.tally.refused(), 6u);
  EXPECT_EQ(report.abandoned, 4u);
  EXPECT_EQ(report.tally.answered(), 0u);
}

// Every Send takes 100 ms of the clock, as it would if the generator had no processor.
class SlowSender final : public Target {
 public:
  explicit SlowSender(ManualClock& clock) : clock_(clock) {}
  Result<std::vector<std::string>> ReadIndex() override { return std::vector<std::string>(); }
  Result<Signature> ReadSignature(const std::string&) override { return Signature(); }
  Status Prepare(const std::vector<std::string>&, const PayloadOptions&,
                 const InferRequest&) override {
    return {};
  }
  uint64_t request_bytes() const override { return 0; }
  std::string Describe() const override { return "slow"; }
  void Send(size_t, OnReply done) override {
    clock_.Advance(milliseconds(100));
    done(Answer());
  }

 private:
  ManualClock& clock_;
};

TEST(Step, WhatIsSentLateCountsFromWhenItWasDue) {
  ManualClock clock;
  SlowSender target(clock);
  StepPlan plan{.arrivals = Arrivals::Listed({Duration(0), Duration(0), Duration(0)}, 1),
                .duration = seconds(60)};
  const StepReport report = Measure(target, std::move(plan), clock);
  EXPECT_EQ(report.tally.answered(), 3u);
  EXPECT_EQ(report.all.min(), milliseconds(100));
  EXPECT_EQ(report.all.max(), milliseconds(300));
  EXPECT_EQ(report.sent_late, 2u);
  EXPECT_EQ(report.latest_send, milliseconds(200));
}

TEST(Step, NothingOfTheWarmUpIsMeasured) {
  ManualClock clock;
  SlowSender target(clock);
  const auto ms = [](int n) { return milliseconds(n); };
  StepPlan plan{.arrivals = Arrivals::Listed({ms(0), ms(50), ms(1000), ms(1050)}, 1),
                .warmup = seconds(1),
                .duration = seconds(60)};
  const StepReport report = Measure(target, std::move(plan), clock, 1, [&clock](const Progress&) {
    clock.Advance(milliseconds(900));
    return true;
  });
  EXPECT_EQ(report.tally.answered(), 2u);
}

TEST(Step, EndsWhenItIsToldTo) {
  ScriptedTarget target([](size_t, size_t) { return Answer(); });
  Acquaintance models(1);
  bool interrupted = false;
  int calls = 0;
  RunStep(
      target, {.clients = 1, .duration = std::chrono::hours(1)}, models, kRealClock,
      [&calls](const Progress&) { return ++calls < 2; }, interrupted);
  EXPECT_TRUE(interrupted);
}

}  // namespace
}  // namespace sarai::loadgen
