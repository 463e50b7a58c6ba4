#include "instance/core.h"

#include <algorithm>
#include <atomic>
#include <future>
#include <thread>
#include <utility>

#include "base/log.h"
#include "engine/backend_registry.h"
#include "engine/call_gate.h"
#include "engine/engine.h"
#include "instance/artifact_source.h"
#include "instance/catalog.h"
#include "instance/front/front_door.h"
#include "instance/front/grpc/carried_call.h"
#include "instance/front/grpc/grpc_front.h"
#include "instance/front/reply.h"
#include "instance/model_manager.h"
#include "instance/model_worker.h"
#include "instance/overhead_meter.h"
#include "instance/process_sampler.h"
#include "instance/single_model.h"
#include "store/disk_tier.h"
#include "telemetry/decision_log.h"
#include "telemetry/process_stats.h"

namespace sarai::instance {
namespace {

constexpr char kServerVersion[] = "0.1.0";
constexpr std::chrono::seconds kUnloadPatience{30};

Status Check(const InstanceOptions& options) {
  if (!options.source_url.empty() && options.state_directory.empty())
    return MakeStatus(Code::kInvalidArgument,
                      "source '{}' needs a state directory to fetch models to", options.source_url);
  if (options.single_model && options.source_url.empty())
    return Status(Code::kInvalidArgument, "single-model mode needs a source URL");
  if (options.loader_threads < 1 || options.fetch_threads < 1 || options.lookup_threads < 1)
    return Status(Code::kInvalidArgument, "there must be at least one thread of each kind");
  return {};
}

kserve::ServerMetadata ServerMetadataOf(const std::string& name) {
  return {.name = name,
          .version = kServerVersion,
          .extensions = {"classification", "sequence", "model_repository",
                         "model_repository(unload_dependents)", "schedule_policy",
                         "model_configuration", "system_shared_memory", "binary_tensor_data",
                         "parameters", "statistics", "trace", "logging"}};
}

engine::RegistryOptions RegistryOptionsOf(const InstanceOptions& options) {
  return {.backend_directory = options.backend_directory,
          .host_executable = options.host_executable,
          .isolated = options.isolated_backends,
          .host_channels = options.host_channels,
          .backend_options = {.intra_op_threads = options.intra_op_threads},
          .backend_settings = options.backend_settings};
}

// What all models have in common.
engine::LoadOptions LoadOptionsOf(const InstanceOptions& options) {
  return {.config_name = options.model_config_name,
          .auto_complete = options.auto_complete_config,
          .default_max_batch_size = options.default_max_batch_size};
}

// The steps of ensembles are requests like any other: their models are loaded on demand. Calls that
// come when the instance has stopped are dropped.
class StepCaller final : public ModelCaller {
 public:
  void Call(InferRequest request, InferResponder respond) override {
    request.caller.over = Caller::Over::kStep;
    gate_.Enter([&] {
      manager_->Infer(std::move(request), [respond = std::move(respond)](InferOutcome out) mutable {
        respond(std::move(out.response));
      });
    });
  }
  void Open(ModelManager& manager) { manager_ = &manager; }
  void Close() { gate_.Close(); }

 private:
  ModelManager* manager_ = nullptr;  // set before the first load
  engine::CallGate gate_;
};

ManagerOptions ManagerOptionsOf(const InstanceOptions& options) {
  return {.residency = {.memory_budget_bytes = options.memory_budget_bytes,
                        .disk_budget_bytes = options.disk_budget_bytes,
                        .max_concurrent_fetches = options.fetch_threads,
                        .max_concurrent_loads = options.loader_threads,
                        .max_waiting_per_model = options.max_waiting_per_model,
                        .max_waiting_total = options.max_waiting_total,
                        .wait_budget = options.wait_budget,
                        .churn_guard = options.churn_guard,
                        .failure_memo = options.failure_memo},
          .feed = {.interval = options.feed_interval, .max_watchers = options.max_feed_watchers},
          .revalidate_interval = options.revalidate_interval,
          .max_unresolved = options.max_waiting_total};
}

}  // namespace

// Members are destroyed from the last to the first: who uses goes before what is used.
struct Core::Impl {
  Impl(InstanceOptions instance_options, const Clock& the_clock, Catalog the_catalog,
       std::unique_ptr<Observability> the_observability,
       std::shared_ptr<store::ObjectStore> object_store,
       std::unique_ptr<store::DiskTier> disk_tier);
  ~Impl() { Stop(); }

  void AdoptDisk();
  std::string NameOf(const std::string& url) const;
  Result<engine::ModelInfo> FindStep(const std::string& name);
  Status Ready();
  StatusFacts Facts(const Totals& totals);
  double DiskPercent(const Totals& totals) const;
  MmeFrontOptions MmeOptions();
  Status OpenHttp();
  Status OpenGrpc();
  void Stop();

  const InstanceOptions options;
  const Clock& clock;
  const Catalog catalog;
  const std::unique_ptr<Observability> observability;
  std::atomic<bool> draining = false, stopped = false;

  ThreadPool strand{"residency", 1};
  const std::shared_ptr<InstanceMetrics> metrics;
  TritonMetrics triton_metrics;
  EventLog events;
  telemetry::DecisionLog decisions;
  const std::unique_ptr<store::DiskTier> disk;
  ArtifactSource source;
  engine::BackendRegistry registry;
  StepCaller steps;
  engine::Engine engine;
  OverheadMeter overhead;
  ModelWorker worker;
  ModelManager manager;
  ServerSettings settings;
  SharedMemory shared_memory;
  ProcessSampler sampler;
  std::unique_ptr<SingleModel> single_model;
  std::unique_ptr<FrontDoor> door;
  std::unique_ptr<GrpcFront> grpc;
};

Core::Impl::Impl(InstanceOptions instance_options, const Clock& the_clock, Catalog the_catalog,
                 std::unique_ptr<Observability> the_observability,
                 std::shared_ptr<store::ObjectStore> object_store,
                 std::unique_ptr<store::DiskTier> disk_tier)
    : options(std::move(instance_options)),
      clock(the_clock),
      catalog(std::move(the_catalog)),
      observability(std::move(the_observability)),
      metrics(std::make_shared<InstanceMetrics>(options.max_models_in_metrics)),
      triton_metrics({.latencies = options.latency_metrics,
                      .cpu = options.cpu_metrics,
                      .interval = options.metrics_interval},
                     the_clock),
      events(options.event_capacity),
      decisions(options.decision_capacity, options.decision_file),
      disk(std::move(disk_tier)),
      source(std::move(object_store), disk.get(), options.disk_budget_bytes),
      registry(RegistryOptionsOf(options)),
      engine({.lanes = options.lanes,
              .default_max_queue_size = options.default_max_queue_size,
              .response_cache_bytes = options.response_cache_bytes,
              .models = &steps,
              .find_model = [this](const std::string& name) { return FindStep(name); }},
             registry, clock),
      overhead(registry),
      worker({.lookup = options.lookup_threads,
              .fetch = options.fetch_threads,
              .load = options.loader_threads},
             strand, clock, source, engine, overhead, LoadOptionsOf(options)),
      manager(ManagerOptionsOf(options), {.catalog = catalog,
                                          .worker = worker,
                                          .engine = engine,
                                          .strand = strand,
                                          .clock = clock,
                                          .metrics = metrics,
                                          .events = events,
                                          .decisions = decisions,
                                          .tracer = observability->tracer()}),
      settings(manager, observability->tracer(), options.log_file),
      shared_memory({.allowed = options.allow_client_shared_memory}),
      sampler({.strand = strand,
               .clock = clock,
               .worker = worker,
               .manager = manager,
               .overhead = overhead,
               .engine = engine,
               .registry = registry},
              options.overhead_interval) {
  steps.Open(manager);
  if (const auto& name = catalog.single_model())
    single_model = std::make_unique<SingleModel>(*name, options.failure_memo, manager, clock);
}

MmeFrontOptions Core::Impl::MmeOptions() {
  return {.instance_id = options.instance_id,
          .parse = {.max_json_bytes = options.max_json_bytes},
          .max_body_bytes = options.max_body_bytes,
          .single_model = catalog.single_model(),
          .single_model_state = [this] { return Ready(); }};
}

Status Core::Impl::OpenHttp() {
  SARAI_TRY(auto restrictions, kserve::RestrictedApis::Parse(options.http_restrictions));
  SARAI_TRY(HeaderForwarding headers, HeaderForwarding::Make(options.http_header_pattern));
  const kserve::ParseOptions parse{.max_json_bytes = options.max_json_bytes};
  door = std::make_unique<FrontDoor>(
      manager, metrics, triton_metrics, *observability, settings, shared_memory, MmeOptions(),
      KserveFrontOptions{.instance_id = options.instance_id,
                         .server = ServerMetadataOf(options.server_name),
                         .parse = parse,
                         .headers = std::move(headers),
                         .max_body_bytes = options.max_body_bytes,
                         .ready = [this] { return Ready(); }},
      AdminFrontParts{.instance_id = options.instance_id,
                      .manager = manager,
                      .events = events,
                      .decisions = decisions,
                      .status = [this](const Totals& totals) { return Facts(totals); }},
      HttpRestrictions(std::move(restrictions)));
  return {};
}

Status Core::Impl::OpenGrpc() {
  SARAI_TRY(kserve::RestrictedApis restrictions,
            kserve::RestrictedApis::Parse(options.grpc_restrictions));
  SARAI_TRY(HeaderForwarding headers, HeaderForwarding::Make(options.grpc_header_pattern));
  grpc = std::make_unique<GrpcFront>(
      manager, shared_memory,
      GrpcFrontOptions{.server = ServerMetadataOf(options.server_name),
                       .parse = {.max_json_bytes = options.max_json_bytes},
                       .restrictions = std::move(restrictions),
                       .headers = std::move(headers),
                       .max_load_file_bytes = options.max_load_file_bytes,
                       .max_stream_requests = options.grpc_max_stream_requests,
                       .settings = &settings,
                       .ready = [this] { return Ready(); }});
  return {};
}

// What a step's model says of itself: loaded, or in its folder. What lies in a store tells nothing
// before it is fetched.
Result<engine::ModelInfo> Core::Impl::FindStep(const std::string& name) {
  if (const ServingModelPtr loaded = manager.Serving(name)) return loaded->handle.info();
  SARAI_TRY(const ModelOrigin origin, catalog.Find(name));
  if (origin.kind == OriginKind::kSource) return engine::ModelInfo{};
  return engine::InspectDirectory({.directory = origin.url, .name = name});
}

Status Core::Impl::Ready() {
  if (draining) return Status(Code::kUnavailable, "the instance is stopping");
  return single_model ? single_model->Check() : Status();
}

StatusFacts Core::Impl::Facts(const Totals& totals) {
  return {.instance_id = options.instance_id,
          .ready = Ready(),
          .totals = totals,
          .process = sampler.latest(),
          .cpu_count = telemetry::CpuCount(),
          .machine_memory_bytes = telemetry::TotalMemoryBytes().value_or(0),
          .disk_percent = DiskPercent(totals)};
}

double Core::Impl::DiskPercent(const Totals& totals) const {
  if (options.disk_budget_bytes > 0)
    return 100.0 * static_cast<double>(totals.residency.disk_used_bytes) /
           static_cast<double>(options.disk_budget_bytes);
  if (options.state_directory.empty()) return 0;
  const auto usage = telemetry::FileSystemUsage(options.state_directory);
  if (!usage || usage->total_bytes == 0) return 0;
  return 100.0 * (1.0 - static_cast<double>(usage->available_bytes) /
                            static_cast<double>(usage->total_bytes));
}

// The TargetModel that leads to this URL; something that leads elsewhere when none does.
std::string Core::Impl::NameOf(const std::string& url) const {
  if (catalog.single_model()) return *catalog.single_model();
  const auto location = store::ParseLocation(url);
  const std::string& prefix = catalog.source()->key;
  if (!location || !location->key.starts_with(prefix)) return "";
  const std::string name = location->key.substr(prefix.size());
  return name.starts_with('/') ? name.substr(1) : name;
}

// What an earlier run left on disk is known again under its name; what no name leads to any more
// goes.
void Core::Impl::AdoptDisk() {
  if (disk == nullptr) return;
  for (const store::Artifact& artifact : disk->List()) {
    const std::string name = NameOf(artifact.url);
    const auto origin = catalog.Find(name);
    const auto latest = disk->FindAny(artifact.url);
    if (origin && origin->url == artifact.url && latest && latest->digest == artifact.digest) {
      manager.AddFromDisk(name, artifact, source.MeasuredOf(artifact.digest));
      continue;
    }
    LogInfo("instance", "deleting '{}' from disk: no model leads to it", artifact.url);
    if (const Status status = disk->Delete(artifact.digest); !status.ok())
      LogWarning("instance", "cannot delete artifact {}: {}", artifact.digest, status.message());
  }
}

void Core::Impl::Stop() {
  if (stopped.exchange(true)) return;
  draining = true;
  std::promise<void> unloaded;
  std::future<void> done = unloaded.get_future();
  manager.Stop([&unloaded] { unloaded.set_value(); });
  if (done.wait_for(kUnloadPatience) != std::future_status::ready)
    LogWarning("instance", "models are still draining after {} s: they are dropped",
               kUnloadPatience.count());
  worker.Stop();
  steps.Close();
  strand.Stop();
}

Result<std::unique_ptr<Core>> Core::Open(InstanceOptions options, const Clock& clock,
                                         std::shared_ptr<store::ObjectStore> store) {
  SARAI_CHECK_OK(Check(options));
  SARAI_TRY(Catalog catalog, Catalog::Open({.model_repositories = options.model_repositories,
                                            .source_url = options.source_url,
                                            .single_model = options.single_model}));
  std::unique_ptr<store::DiskTier> disk;
  if (catalog.source()) {
    if (store == nullptr) {
      SARAI_TRY(store,
                store::OpenObjectStore(*catalog.source(), options.s3, options.environment, clock));
    }
    SARAI_TRY(disk, store::DiskTier::Open({.directory = options.state_directory,
                                           .max_unpacked_bytes = options.max_unpacked_bytes}));
  }
  SARAI_TRY(auto observability, Observability::Open(options, clock));
  auto impl = std::make_unique<Impl>(std::move(options), clock, std::move(catalog),
                                     std::move(observability), std::move(store), std::move(disk));
  SARAI_CHECK_OK(impl->OpenHttp());
  SARAI_CHECK_OK(impl->OpenGrpc());
  impl->AdoptDisk();
  return std::unique_ptr<Core>(new Core(std::move(impl)));
}

Core::Core(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Core::~Core() = default;

void Core::Start() {
  impl_->sampler.Start();
  if (impl_->single_model) (void)impl_->single_model->Check();
}

void Core::Handle(http::Request request, http::Responder respond) {
  if (impl_->stopped) return respond(ErrorReply(503, impl_->Ready()));
  if (impl_->options.serve_grpc && kserve::grpc::IsCarriedCall(request.target))
    return impl_->grpc->Handle(
        CarriedCall::Make(std::move(request), impl_->clock.Now(), std::move(respond)));
  impl_->door->Handle(std::move(request), std::move(respond));
}

void Core::HandleMetrics(http::Request request, http::Responder respond) {
  if (impl_->stopped) return respond(ErrorReply(503, impl_->Ready()));
  impl_->door->HandleMetrics(std::move(request), std::move(respond));
}

void Core::HandleGrpc(net::GrpcCallPtr call) {
  constexpr int kUnavailable = 14;
  if (impl_->stopped)
    return call->Finish({.code = kUnavailable, .message = impl_->Ready().message()});
  impl_->grpc->Handle(std::move(call));
}

void Core::BeginDrain() {
  impl_->draining = true;
  impl_->grpc->BeginDrain();
  impl_->manager.EndWatches();
}

void Core::Stop() { impl_->Stop(); }

const InstanceOptions& Core::options() const { return impl_->options; }

engine::BackendRegistry& Core::registry() { return impl_->registry; }

}  // namespace sarai::instance
