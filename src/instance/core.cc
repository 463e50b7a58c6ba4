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
#include "instance/repository_list.h"
#include "instance/single_model.h"
#include "store/disk_tier.h"
#include "telemetry/decision_log.h"
#include "telemetry/process_stats.h"

namespace sarai::instance {
namespace {

constexpr char kServerVersion[] = "0.1.0";
constexpr std::chrono::seconds kUnloadPatience{30};

Status Check(const InstanceOptions& options) {
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
                         "model_configuration", "system_shared_memory", "cuda_shared_memory",
                         "binary_tensor_data", "parameters", "statistics", "trace", "logging"}};
}

engine::RegistryOptions RegistryOptionsOf(const InstanceOptions& options) {
  return {.backend_directory = options.backend_directory,
          .host_executable = options.host_executable,
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
  const auto threads = static_cast<size_t>(options.loader_threads + options.fetch_threads);
  return {.residency = {.memory_budget_bytes = options.memory_budget_bytes,
                        .disk_budget_bytes = options.disk_budget_bytes,
                        .max_concurrent_fetches = options.fetch_threads,
                        .max_concurrent_loads = options.loader_threads,
                        .max_waiting_per_model = options.max_waiting_per_model,
                        .max_waiting_total = options.max_waiting_total,
                        .wait_budget = options.wait_budget,
                        .churn_guard = options.churn_guard,
                        .failure_memo = options.failure_memo},
          .control = {.mode = options.control_mode,
                      .load_at_start = options.load_at_start,
                      .poll_interval = options.repository_poll_interval,
                      .starts_at_once = threads},
          .feed = {.interval = options.feed_interval, .max_watchers = options.max_feed_watchers},
          .revalidate_interval = options.revalidate_interval,
          .max_unresolved = options.max_waiting_total};
}

// One for each of the catalog's; `first` stands in for the first one.
Result<ObjectStores> OpenStores(const Catalog& catalog, const InstanceOptions& options,
                                const Clock& clock, std::shared_ptr<store::ObjectStore> first) {
  ObjectStores stores;
  for (const StoreAddress& address : catalog.stores()) {
    if (stores.empty() && first != nullptr) {
      stores.push_back(std::move(first));
      continue;
    }
    store::S3Options s3 = options.s3;
    if (!address.endpoint.empty()) s3.endpoint = address.endpoint;
    SARAI_TRY(auto opened,
              store::OpenObjectStore(address.location, s3, options.environment, clock));
    stores.push_back(std::move(opened));
  }
  return stores;
}

}  // namespace

// Members are destroyed from the last to the first: who uses goes before what is used.
struct Core::Impl {
  Impl(InstanceOptions instance_options, const Clock& the_clock, Catalog the_catalog,
       std::unique_ptr<Observability> the_observability, ObjectStores object_stores,
       std::unique_ptr<store::DiskTier> disk_tier);
  ~Impl() { Stop(); }

  void AdoptDisk();
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
  const RepositoryList repositories;
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
                 std::unique_ptr<Observability> the_observability, ObjectStores object_stores,
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
      source(std::move(object_stores), disk.get(), options.disk_budget_bytes),
      repositories(catalog, source),
      registry(RegistryOptionsOf(options)),
      engine({.lanes = options.lanes,
              .default_max_queue_size = options.default_max_queue_size,
              .response_cache_bytes = options.response_cache_bytes,
              .rate_limit = options.rate_limit,
              .rate_limit_resources = options.rate_limit_resources,
              .models = &steps,
              .find_model = [this](const std::string& name) { return FindStep(name); }},
             registry, clock),
      overhead(registry),
      worker({.lookup = options.lookup_threads,
              .fetch = options.fetch_threads,
              .load = options.loader_threads},
             {.common = LoadOptionsOf(options), .retries = options.load_retries},
             {.strand = strand,
              .clock = clock,
              .source = source,
              .repositories = repositories,
              .engine = engine,
              .overhead = overhead}),
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
                         .max_load_file_bytes = options.max_load_file_bytes,
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
  engine::LoadOptions load = LoadOptionsOf(options);
  load.directory = origin.url;
  load.name = name;
  return engine::InspectDirectory(load);
}

Status Core::Impl::Ready() {
  if (draining) return Status(Code::kUnavailable, "the instance is stopping");
  if (single_model) return single_model->Check();
  if (!policy::KeepsLoaded(options.control_mode)) return {};
  if (!manager.started())
    return Status(Code::kUnavailable, "the models to load at the start are still being loaded");
  if (const size_t failing = manager.failing(); options.strict_readiness && failing > 0)
    return MakeStatus(Code::kFailedPrecondition, "{} models failed to load", failing);
  return {};
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

// What an earlier run left on disk is known again under its name; what no name leads to any more
// goes.
void Core::Impl::AdoptDisk() {
  if (disk == nullptr) return;
  for (const store::Artifact& artifact : disk->List()) {
    const auto known = catalog.OriginOf(artifact.url);
    const auto latest = disk->FindAny(artifact.url);
    if (known && latest && latest->digest == artifact.digest) {
      manager.AddFromDisk(known->first, known->second, artifact,
                          source.MeasuredOf(artifact.digest));
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
  SARAI_TRY(ObjectStores stores, OpenStores(catalog, options, clock, std::move(store)));
  std::unique_ptr<store::DiskTier> disk;
  if (!stores.empty()) {
    if (options.state_directory.empty())
      return Error(Code::kInvalidArgument, "models of '{}' need a state directory to be fetched to",
                   store::LocationUrl(catalog.stores().front().location));
    SARAI_TRY(disk, store::DiskTier::Open({.directory = options.state_directory,
                                           .max_unpacked_bytes = options.max_unpacked_bytes}));
  }
  SARAI_TRY(auto observability, Observability::Open(options, clock));
  auto impl = std::make_unique<Impl>(std::move(options), clock, std::move(catalog),
                                     std::move(observability), std::move(stores), std::move(disk));
  SARAI_CHECK_OK(impl->OpenHttp());
  SARAI_CHECK_OK(impl->OpenGrpc());
  impl->AdoptDisk();
  return std::unique_ptr<Core>(new Core(std::move(impl)));
}

Core::Core(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Core::~Core() = default;

void Core::Start(std::move_only_function<void(Status)> done) {
  impl_->sampler.Start();
  if (impl_->single_model) (void)impl_->single_model->Check();
  impl_->manager.Start(std::move(done));
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
