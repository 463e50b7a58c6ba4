#include "loadgen/step.h"

#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

#include "loadgen/cpu_time.h"

namespace sarai::loadgen {
namespace {

constexpr auto kTick = std::chrono::milliseconds(200);
constexpr auto kRetryPause = std::chrono::milliseconds(10);  // of a client that was refused

// The step's state, shared by the thread that runs it and the target's callbacks, of which some may
// come after its end. The lock is held for a few hundred nanoseconds and never while calling out.
class Step : public std::enable_shared_from_this<Step> {
 public:
  Step(Target& target, StepPlan plan, Acquaintance& models, const Clock& clock)
      : target_(target),
        clock_(clock),
        plan_(std::move(plan)),
        horizon_(plan_.duration > Duration(0) ? plan_.warmup + plan_.duration : Duration::max()),
        models_(models),
        tally_(plan_.tally) {}

  StepReport Run(const OnProgress& on_progress, bool& interrupted);

 private:
  struct Sent {
    size_t model = 0;
    Duration intended{0}, sent{0};
    bool unknown_model = false;  // nobody has had an answer of it yet
  };

  Duration Elapsed() const { return clock_.Now() - start_; }
  bool Over(Duration now) const { return stopped_ || now >= horizon_; }  // mu_ held
  std::optional<Sent> Admit(Duration intended, Duration now);            // mu_ held
  void NextOfClient();
  void Send(const Sent& sent);
  void Answered(const Sent& sent, Reply reply);
  void Pace();
  void Supervise(const OnProgress& on_progress, bool& interrupted);
  Progress ProgressNow(Duration now);  // mu_ held
  void RunPausedClients();
  void Drain(const OnProgress& on_progress, bool& interrupted);
  StepReport TakeReport();

  Target& target_;
  const Clock& clock_;
  StepPlan plan_;
  const Duration horizon_;
  TimePoint start_{};  // constant once clients run

  std::mutex mu_;
  std::condition_variable changed_;
  Acquaintance& models_;            // guarded by mu_, not touched once closed_
  Tally tally_;                     // guarded by mu_
  size_t outstanding_ = 0;          // guarded by mu_
  size_t paused_clients_ = 0;       // guarded by mu_
  uint64_t measured_ = 0;           // sent and to be measured; guarded by mu_
  bool stopped_ = false;            // nothing more is sent; guarded by mu_
  bool closed_ = false;             // nothing more is counted; guarded by mu_
  uint64_t sent_late_ = 0;          // guarded by mu_
  Duration latest_send_{0};         // guarded by mu_
  Duration last_answer_{0};         // guarded by mu_
  std::optional<CpuTimes> cpu_at_;  // when measuring began; the running thread's
};

// Takes the next model and a place among the outstanding.
std::optional<Step::Sent> Step::Admit(Duration intended, Duration now) {
  const bool measured = intended >= plan_.warmup;
  const auto model = plan_.models.Next();
  if (!model || (measured && plan_.requests > 0 && measured_ >= plan_.requests)) {
    stopped_ = true;
    changed_.notify_all();
    return std::nullopt;
  }
  measured_ += measured ? 1 : 0;
  ++outstanding_;
  return Sent{*model, intended, now, !models_.answered[*model]};
}

void Step::Send(const Sent& sent) {
  target_.Send(sent.model, [self = shared_from_this(), sent](Reply reply) {
    self->Answered(sent, std::move(reply));
  });
}

void Step::NextOfClient() {
  std::optional<Sent> sent;
  {
    const std::lock_guard lock(mu_);
    const Duration now = Elapsed();
    if (Over(now)) return changed_.notify_all();
    sent = Admit(now, now);
  }
  if (sent) Send(*sent);
}

void Step::Answered(const Sent& sent, Reply reply) {
  const Duration now = Elapsed();
  bool again = false;
  {
    const std::lock_guard lock(mu_);
    --outstanding_;
    if (closed_) return;
    if (reply.warmth) models_.server_tells = true;
    if (reply.error.empty()) models_.answered[sent.model] = true;
    const Warmth guess = sent.unknown_model ? Warmth::kCold : Warmth::kWarm;
    const bool failed = !reply.error.empty();
    if (sent.intended >= plan_.warmup) {
      last_answer_ = now;
      tally_.Record({.model = sent.model,
                     .intended = sent.intended - plan_.warmup,
                     .latency = now - sent.intended,
                     .warmth = reply.warmth.value_or(guess),
                     .error = std::move(reply.error),
                     .detail = std::move(reply.detail),
                     .response_bytes = reply.bytes});
    }
    // A server that is down must not be asked as fast as it refuses.
    if (plan_.clients > 0 && failed) ++paused_clients_;
    again = plan_.clients > 0 && !failed;
    if (outstanding_ == 0 && Over(now)) changed_.notify_all();  // only draining waits for it
  }
  if (again) NextOfClient();
}

// The open loop's own thread.
void Step::Pace() {
  Pacer pacer(std::move(*plan_.arrivals), plan_.max_outstanding, horizon_);
  std::unique_lock lock(mu_);
  while (!stopped_) {
    const auto next = pacer.NextAt();
    if (!next) break;
    if (*next > Elapsed()) {
      changed_.wait_until(lock, start_ + *next, [this] { return stopped_; });
      continue;
    }
    const auto due = pacer.Take(Elapsed(), outstanding_);
    if (!due) continue;
    if (due->refused) {
      if (due->intended >= plan_.warmup) tally_.RecordRefused(due->intended - plan_.warmup);
      continue;
    }
    const Duration now = Elapsed();
    const auto sent = Admit(due->intended, now);
    if (!sent) break;
    if (due->intended >= plan_.warmup) {
      const Duration late = now - due->intended;
      if (late > kLateSend) ++sent_late_;
      latest_send_ = std::max(latest_send_, late);
    }
    lock.unlock();
    Send(*sent);
    lock.lock();
  }
  stopped_ = true;
  changed_.notify_all();
}

void Step::RunPausedClients() {
  size_t clients = 0;
  {
    const std::lock_guard lock(mu_);
    clients = std::exchange(paused_clients_, 0);
  }
  for (size_t i = 0; i < clients; ++i) NextOfClient();
}

Progress Step::ProgressNow(Duration now) {
  Progress progress{.warming_up = now < plan_.warmup,
                    .seconds = std::max(0.0, Milliseconds(now - plan_.warmup) / 1e3),
                    .answered = tally_.answered(),
                    .failed = tally_.failed(),
                    .refused = tally_.refused(),
                    .outstanding = outstanding_};
  progress.p50 = tally_.warm().Percentile(0.5);
  progress.p99 = tally_.warm().Percentile(0.99);
  return progress;
}

void Step::Supervise(const OnProgress& on_progress, bool& interrupted) {
  TimePoint next_tick = start_ + kTick;
  while (true) {
    Progress progress;
    bool tick = false;
    {
      std::unique_lock lock(mu_);
      const auto over = [this] { return Over(Elapsed()) && (stopped_ || plan_.clients > 0); };
      changed_.wait_for(lock, kRetryPause, over);
      if (!cpu_at_ && Elapsed() >= plan_.warmup) cpu_at_ = ReadCpuTimes(plan_.server_pids);
      if (over()) break;
      tick = clock_.Now() >= next_tick;
      if (tick) progress = ProgressNow(Elapsed());
    }
    RunPausedClients();
    if (!tick) continue;
    next_tick = clock_.Now() + kTick;
    if (on_progress(progress)) continue;
    interrupted = true;
    break;
  }
  const std::lock_guard lock(mu_);
  stopped_ = true;
  changed_.notify_all();
}

void Step::Drain(const OnProgress& on_progress, bool& interrupted) {
  const TimePoint patience = clock_.Now() + plan_.drain_patience;
  std::unique_lock lock(mu_);
  while (outstanding_ > 0 && clock_.Now() < patience) {
    changed_.wait_for(lock, kTick, [this] { return outstanding_ == 0; });
    const Progress progress = ProgressNow(Elapsed());
    lock.unlock();
    const bool go_on = on_progress(progress);
    lock.lock();
    if (!go_on && std::exchange(interrupted, true)) break;  // asked twice
  }
  closed_ = true;
}

StepReport Step::TakeReport() {
  const CpuTimes end = ReadCpuTimes(plan_.server_pids);
  const std::lock_guard lock(mu_);
  StepReport report;
  report.open_loop = plan_.clients == 0;
  report.seconds = Milliseconds(std::max(last_answer_ - plan_.warmup, Duration(0))) / 1e3;
  if (cpu_at_) report.client_cpu_seconds = end.own_seconds - cpu_at_->own_seconds;
  if (cpu_at_ && !plan_.server_pids.empty()) report.server_cpu_seconds = Since(*cpu_at_, end);
  report.sent_late = sent_late_;
  report.latest_send = latest_send_;
  report.abandoned = outstanding_;
  report.tally = std::move(tally_);
  report.all = report.tally.warm();
  report.all.Merge(report.tally.cold());
  return report;
}

StepReport Step::Run(const OnProgress& on_progress, bool& interrupted) {
  start_ = clock_.Now();
  if (plan_.warmup == Duration(0)) cpu_at_ = ReadCpuTimes(plan_.server_pids);
  std::thread pacing;
  if (plan_.arrivals) pacing = std::thread([this] { Pace(); });
  for (int i = 0; i < plan_.clients; ++i) NextOfClient();
  Supervise(on_progress, interrupted);
  if (pacing.joinable()) pacing.join();
  Drain(on_progress, interrupted);
  return TakeReport();
}

}  // namespace

StepReport RunStep(Target& target, StepPlan plan, Acquaintance& models, const Clock& clock,
                   const OnProgress& on_progress, bool& interrupted) {
  return std::make_shared<Step>(target, std::move(plan), models, clock)
      ->Run(on_progress, interrupted);
}

}  // namespace sarai::loadgen
