#include "control/reconciler.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "control/instance_types.h"

namespace sarai::control {
namespace {

constexpr int kMaxRounds = 16;  // of acting and looking again, before others get the strand
constexpr size_t kMaxFailureReason = 1024;
constexpr Duration kStateRetry = std::chrono::seconds(1);  // after a failed write of the state

bool HasFleet(EndpointStatus status) {
  return status != EndpointStatus::kFailed && status != EndpointStatus::kDeleting;
}

uint64_t DiskBudget(const DeployedVariant& variant) {
  if (variant.volume_gib > 0) return static_cast<uint64_t>(variant.volume_gib) << 30;
  return BudgetOf(variant.instance_type).disk_bytes;
}

InstanceLaunch LaunchOf(const DeployedVariant& variant, const std::string& id,
                        const ControlOptions& options) {
  return {.id = id,
          .source_url = variant.source_url,
          .multi_model = variant.multi_model,
          .memory_bytes =
              options.instance_memory_bytes.value_or(BudgetOf(variant.instance_type).memory_bytes),
          .disk_bytes = options.instance_disk_bytes.value_or(DiskBudget(variant)),
          .environment = variant.environment};
}

Duration StartTimeout(const DeployedVariant& variant, const HealthOptions& health) {
  if (variant.start_timeout_seconds <= 0) return health.start_timeout;
  return std::chrono::seconds(variant.start_timeout_seconds);
}

FleetVariant VariantView(const DeployedVariant& variant, const Fleet& fleet) {
  FleetVariant view{.name = variant.name,
                    .weight = variant.weight,
                    .multi_model = variant.multi_model,
                    .model_prefix = variant.source_url};
  for (const std::string& id : variant.instances) {
    const Instance* const instance = fleet.Find(id);
    if (instance == nullptr) continue;
    view.instances.push_back({.id = id, .address = instance->address, .ready = instance->ready});
  }
  return view;
}

// AWS's words first, since customers know them; then what we know.
std::string FailureReasonOf(const DeployedVariant& variant, const Instance& instance,
                            const std::string& log) {
  const std::string& id = instance.wanted.launch.id;
  if (instance.fault && instance.fault->code == CodeName(Code::kNotFound))
    return fmt::format(
        "Failed to download model data for container \"container_1\" from URL: \"{}\". Please "
        "ensure "
        "that there is an object located at the URL and that the role passed to CreateModel has "
        "permissions to download the object. (Instance {}: {})",
        variant.source_url, id, instance.fault->message);
  std::string detail = "did not become ready in time";
  if (!instance.last_end.empty()) detail = "ended with " + instance.last_end;
  if (instance.fault) detail = "said: " + instance.fault->message;
  return fmt::format(
      "The primary container for production variant {} did not pass the ping health check. Please "
      "check CloudWatch logs for this endpoint. (Instance {} {}; its log: {})",
      variant.name, id, detail, log);
}

}  // namespace

FleetViewPtr ViewOf(const EndpointTable& endpoints, const Fleet& fleet) {
  auto view = std::make_shared<FleetView>();
  for (const auto& [name, record] : endpoints.all()) {
    FleetEndpoint endpoint{.name = name, .status = std::string(EndpointStatusName(record.status))};
    if (record.current && HasFleet(record.status))
      for (const DeployedVariant& variant : record.current->variants)
        endpoint.variants.push_back(VariantView(variant, fleet));
    view->endpoints.emplace(name, std::move(endpoint));
  }
  return view;
}

void Reconciler::Kick() {
  if (std::exchange(kicked_, true)) return;
  strand_->Post([this] { Run(); });
}

void Reconciler::Run() {
  kicked_ = false;
  bool settled = false;
  for (int round = 0; round < kMaxRounds && !settled; ++round) {
    const bool acted = MatchFleet();
    settled = !StepEndpoints() && !acted;
  }
  if (!settled) Kick();
  publish_(ViewOf(state_.endpoints, fleet_));
}

std::set<std::string> Reconciler::DesiredIds() const {
  std::set<std::string> ids;
  for (const auto& [id, wanted] : Wanted()) ids.insert(id);
  return ids;
}

Reconciler::WantedById Reconciler::Wanted() const {
  WantedById wanted;
  for (const auto& [name, endpoint] : state_.endpoints.all()) {
    if (!HasFleet(endpoint.status)) continue;
    if (endpoint.current) AddWanted(endpoint, *endpoint.current, wanted);
    if (endpoint.pending) AddWanted(endpoint, *endpoint.pending, wanted);
  }
  return wanted;
}

void Reconciler::AddWanted(const EndpointRecord& endpoint, const Deployment& deployment,
                           WantedById& wanted) const {
  for (const DeployedVariant& variant : deployment.variants)
    for (const std::string& id : variant.instances)
      wanted.emplace(
          id, WantedInstance{endpoint.name, variant.name, StartTimeout(variant, options_.health),
                             LaunchOf(variant, id, options_)});
}

bool Reconciler::MatchFleet() {
  WantedById wanted = Wanted();
  std::set<std::string> ids;
  for (const auto& [id, unused] : wanted) ids.insert(id);
  const FleetPlan plan = PlanFleet(ids, fleet_.Actual(), clock_.Now());
  for (const FleetAction& action : plan.actions) {
    switch (action.kind) {
      case FleetAction::Kind::kStart: fleet_.Start(std::move(wanted.at(action.id))); break;
      case FleetAction::Kind::kStop: fleet_.Stop(action.id); break;
      case FleetAction::Kind::kKill: fleet_.Kill(action.id, "it answers no pings"); break;
      case FleetAction::Kind::kForget: fleet_.Forget(action.id); break;
    }
  }
  WakeAt(plan.wake_at);
  return !plan.actions.empty();
}

bool Reconciler::StepEndpoints() {
  std::vector<std::string> names;  // a step may remove its endpoint
  for (const auto& [name, endpoint] : state_.endpoints.all()) names.push_back(name);
  bool moved = false;
  for (const std::string& name : names)
    if (const EndpointRecord* const endpoint = state_.endpoints.Find(name))
      moved = Step(*endpoint) || moved;
  return moved;
}

bool Reconciler::Step(const EndpointRecord& endpoint) {
  EndpointSituation situation{.status = endpoint.status};
  if (endpoint.current) situation.current = HealthOf(endpoint, *endpoint.current);
  if (endpoint.pending) situation.pending = HealthOf(endpoint, *endpoint.pending);
  situation.has_processes = std::ranges::any_of(fleet_.all(), [&](const auto& entry) {
    return entry.second.wanted.endpoint == endpoint.name;
  });
  const EndpointStep step = StepEndpoint(situation, clock_.Now());
  WakeAt(step.wake_at);
  if (step.move == EndpointMove::kStay) return false;
  const std::string name = endpoint.name;
  if (const Status applied = Apply(endpoint, step.move); !applied.ok()) {
    LogError("control", "endpoint {} can not be moved on: {}", name, applied.message());
    WakeAt(clock_.Now() + kStateRetry);
    return false;
  }
  return true;
}

DeploymentHealth Reconciler::HealthOf(const EndpointRecord& endpoint,
                                      const Deployment& deployment) {
  Change& change = changes_.try_emplace(endpoint.name, WallTime::min(), TimePoint()).first->second;
  if (change.modified != endpoint.modified) change = {endpoint.modified, clock_.Now()};
  DeploymentHealth health{.all_ready = true};
  Duration timeout{0};
  for (const DeployedVariant& variant : deployment.variants) {
    timeout = std::max(timeout, StartTimeout(variant, options_.health));
    for (const std::string& id : variant.instances) {
      const Instance* const instance = fleet_.Find(id);
      if (instance == nullptr || !instance->ready) health.all_ready = false;
      if (instance != nullptr && instance->hopeless) health.hopeless = true;
    }
  }
  health.deadline = change.since + timeout;
  return health;
}

Status Reconciler::Apply(const EndpointRecord& endpoint, EndpointMove move) {
  if (move == EndpointMove::kRemove) {
    const std::string name = endpoint.name, arn = endpoint.arn;
    SARAI_CHECK_OK(state_.tags.RemoveAll(arn));
    SARAI_CHECK_OK(state_.endpoints.Remove(name));
    changes_.erase(name);
    LogInfo("control", "endpoint {} is deleted", name);
    return {};
  }
  EndpointRecord next = endpoint;
  next.modified = clock_.WallNow();
  if (move == EndpointMove::kPromote) next.current = std::exchange(next.pending, std::nullopt);
  if (move == EndpointMove::kFail || move == EndpointMove::kRollBack)
    next.failure_reason = next.pending ? FailureReason(*next.pending) : "it has no deployment";
  if (move == EndpointMove::kPromote) next.failure_reason.clear();
  if (move == EndpointMove::kRollBack) next.pending.reset();
  next.status = move == EndpointMove::kFail ? EndpointStatus::kFailed : EndpointStatus::kInService;
  LogInfo("control", "endpoint {} is {}{}{}", next.name, EndpointStatusName(next.status),
          next.failure_reason.empty() ? "" : ": ", next.failure_reason);
  return state_.endpoints.Put(next);
}

std::string Reconciler::FailureReason(const Deployment& deployment) const {
  for (const DeployedVariant& variant : deployment.variants)
    for (const std::string& id : variant.instances)
      if (const Instance* const instance = fleet_.Find(id); instance != nullptr && !instance->ready)
        return FailureReasonOf(variant, *instance, provider_.LogOf(id))
            .substr(0, kMaxFailureReason);
  return "The deployment did not become ready in time.";
}

void Reconciler::WakeAt(std::optional<TimePoint> when) {
  if (!when) return;
  const TimePoint now = clock_.Now();
  if (wake_at_ && *wake_at_ > now && *wake_at_ <= *when) return;  // armed early enough
  wake_at_ = when;
  strand_->PostAt(*when, [this] { Kick(); });
}

}  // namespace sarai::control
