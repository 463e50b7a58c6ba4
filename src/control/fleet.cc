#include "control/fleet.h"

#include <utility>

#include "base/bytes.h"
#include "base/log.h"
#include "telemetry/process_stats.h"
#include "wire/http/text_of.h"
#include "wire/json/json.h"
#include "wire/mme/mme.h"

namespace sarai::control {
namespace {

TimePoint KillTime(const Instance& instance, const HealthOptions& health) {
  if (instance.was_ready) return instance.last_ready + health.unresponsive_after;
  return instance.started + instance.wanted.start_timeout;
}

// The instance's own code is what tells "not yet" (unavailable) from "not like this".
Pong PongOf(const std::expected<http::Response, net::SendError>& response) {
  if (!response || response->status == 200) return {.healthy = response.has_value()};
  Pong pong{.fault_code = std::string(response->headers.Get(mme::kErrorCodeHeader))};
  if (pong.fault_code.empty() || pong.fault_code == CodeName(Code::kUnavailable)) return {};
  const auto body = json::ParseObject(http::TextOf(*response)).value_or(json::Object());
  pong.fault = json::ObjectView(body).RequireString("error").value_or(pong.fault_code);
  return pong;
}

}  // namespace

const Instance* Fleet::Find(std::string_view id) const {
  const auto it = instances_.find(id);
  return it == instances_.end() ? nullptr : &it->second;
}

Instance* Fleet::Get(std::string_view id) {
  const auto it = instances_.find(id);
  return it == instances_.end() ? nullptr : &it->second;
}

Instance* Fleet::GetRun(std::string_view id, uint64_t run) {
  Instance* const instance = Get(id);
  return instance != nullptr && instance->run == run ? instance : nullptr;
}

std::vector<ActualInstance> Fleet::Actual() const {
  std::vector<ActualInstance> actual;
  for (const auto& [id, instance] : instances_)
    actual.push_back({id, instance.phase, instance.ready, KillTime(instance, options_.health),
                      instance.restart_at});
  return actual;
}

void Fleet::Start(WantedInstance wanted) {
  const std::string id = wanted.launch.id;
  Instance& instance = instances_[id];
  instance.phase = InstancePhase::kStarting;
  instance.started = clock_.Now();
  instance.was_ready = false;
  instance.misses = 0;
  instance.fault.reset();
  ++instance.run;
  Decide(DecisionKind::kStart, id,
         instance.run == 1
             ? fmt::format("desired by variant {} of endpoint {}", wanted.variant, wanted.endpoint)
             : fmt::format("started again: its last process ended with {}", instance.last_end),
         {{"memory_budget_bytes", static_cast<double>(wanted.launch.memory_bytes)},
          {"disk_budget_bytes", static_cast<double>(wanted.launch.disk_bytes)}});
  instance.wanted = std::move(wanted);
  if (instance.run == 1) WarnOfMemory();
  provider_.Start(instance.wanted.launch);
}

// Budgets come from instance types that are often larger than the machine below them.
void Fleet::WarnOfMemory() const {
  uint64_t budgets = 0;
  for (const auto& [id, instance] : instances_) budgets += instance.wanted.launch.memory_bytes;
  const auto machine = telemetry::TotalMemoryBytes();
  if (!machine || budgets <= *machine) return;
  LogWarning("control",
             "{} instances may hold {} of models, this machine has {} of memory: lower the budget "
             "of each with --instance-memory",
             instances_.size(), FormatBytes(budgets), FormatBytes(*machine));
}

void Fleet::Stop(std::string_view id) {
  Instance* const instance = Get(id);
  if (instance == nullptr || instance->phase == InstancePhase::kEnded) return;
  instance->phase = InstancePhase::kStopping;
  instance->ready = false;
  Decide(DecisionKind::kStop, std::string(id), "no deployment wants it any more", {});
  provider_.Stop(id);
}

void Fleet::Kill(std::string_view id, std::string_view why) {
  Instance* const instance = Get(id);
  if (instance == nullptr || instance->phase == InstancePhase::kEnded) return;
  instance->phase = InstancePhase::kStopping;
  Decide(DecisionKind::kStop, std::string(id), fmt::format("killed: {}", why), {});
  provider_.Kill(id);
}

void Fleet::Forget(std::string_view id) {
  const auto it = instances_.find(id);
  if (it == instances_.end()) return;
  instances_.erase(it);
  provider_.Forget(id);
}

void Fleet::OnAddress(const std::string& id, std::string address) {
  Instance* const instance = Get(id);
  if (instance == nullptr || instance->phase != InstancePhase::kStarting) return;
  instance->phase = InstancePhase::kRunning;
  instance->address = std::move(address);
  Ping(id, instance->run);
  changed_();
}

void Fleet::OnExit(const std::string& id, const std::string& how) {
  Instance* const instance = Get(id);
  if (instance == nullptr) return;
  const Duration lived = clock_.Now() - instance->started;
  const bool was_told = instance->phase == InstancePhase::kStopping;
  instance->failed_starts = instance->was_ready ? 0 : instance->failed_starts + 1;
  CheckHope(*instance);
  const Duration wait = policy::NextDelay(instance->backoff, lived, options_.restart);
  instance->restart_at = clock_.Now() + wait;
  instance->phase = InstancePhase::kEnded;
  instance->ready = false;
  instance->address.clear();
  instance->last_end = how;
  Decide(was_told ? DecisionKind::kStop : DecisionKind::kFail, id,
         fmt::format("its process has ended: {}", how),
         {{"lived_ms", Milliseconds(lived)}, {"restart_wait_ms", Milliseconds(wait)}});
  changed_();
}

void Fleet::Ping(const std::string& id, uint64_t run) {
  const Instance* const instance = GetRun(id, run);
  if (instance == nullptr || instance->phase != InstancePhase::kRunning) return;
  net::SendOptions options{.connect_timeout = options_.health.ping_timeout,
                           .timeout = options_.health.ping_timeout,
                           .max_response_bytes = 64 << 10};
  transport_.Send(
      instance->address, {.method = "GET", .target = "/ping"}, options,
      [this, strand = strand_, id,
       run](const std::expected<http::Response, net::SendError>& response) {
        strand->Post([this, id, run, pong = PongOf(response)] { OnPong(id, run, pong); });
      });
}

void Fleet::OnPong(const std::string& id, uint64_t run, const Pong& pong) {
  Instance* const instance = GetRun(id, run);
  if (instance == nullptr || instance->phase != InstancePhase::kRunning) return;
  const bool was_ready = instance->ready, was_hopeless = instance->hopeless;
  if (pong.healthy) {
    instance->misses = 0;
    instance->failed_starts = 0;
    instance->hopeless = false;
    instance->ready = instance->was_ready = true;
    instance->last_ready = clock_.Now();
  } else if (++instance->misses >= options_.health.misses) {
    instance->ready = false;
  }
  NoteFault(*instance, pong);
  if (was_ready != instance->ready)
    LogInfo("control", "instance {} at {} is {}", id, instance->address,
            instance->ready ? "ready" : "not answering pings");
  if (was_ready != instance->ready || was_hopeless != instance->hopeless) changed_();
  PingLater(id, *instance);
}

void Fleet::NoteFault(Instance& instance, const Pong& pong) {
  if (pong.fault.empty()) {
    instance.fault.reset();
    return;
  }
  const TimePoint since = instance.fault ? instance.fault->since : clock_.Now();
  instance.fault = {pong.fault_code, pong.fault, since};
  CheckHope(instance);
}

void Fleet::CheckHope(Instance& instance) const {
  if (instance.was_ready) return;
  const HealthOptions& health = options_.health;
  const bool long_faulty =
      instance.fault && clock_.Now() - instance.fault->since >= health.fault_patience;
  if (instance.failed_starts >= health.start_attempts || long_faulty) instance.hopeless = true;
}

void Fleet::PingLater(const std::string& id, const Instance& instance) {
  const Duration interval =
      instance.was_ready ? options_.health.ping_interval : options_.health.ping_interval_starting;
  strand_->PostAt(clock_.Now() + interval, [this, id, run = instance.run] { Ping(id, run); });
}

void Fleet::Decide(DecisionKind kind, const std::string& id, std::string reason,
                   std::map<std::string, double> numbers) {
  decisions_.Add({.at = clock_.WallNow(),
                  .kind = kind,
                  .instance = id,
                  .reason = std::move(reason),
                  .numbers = std::move(numbers)});
}

}  // namespace sarai::control
