#include "control/control.h"

#include <fcntl.h>
#include <sys/file.h>

#include <atomic>
#include <filesystem>
#include <mutex>
#include <optional>
#include <utility>

#include "base/executor.h"
#include "base/log.h"
#include "base/unique_fd.h"
#include "control/explain.h"
#include "control/fleet.h"
#include "control/front.h"
#include "control/handlers/cloudwatch.h"
#include "control/handlers/handlers.h"
#include "control/metrics/instance_sampler.h"
#include "control/metrics/metric_keeper.h"
#include "control/metrics/metric_recorder.h"
#include "control/metrics/metric_store.h"
#include "control/providers/process_provider.h"
#include "control/reconciler.h"
#include "control/state/state.h"
#include "telemetry/decision_log.h"
#include "wire/http/uri.h"

namespace sarai::control {
namespace {

// One program per state directory: held for as long as the descriptor is open.
Result<UniqueFd> LockDirectory(const std::string& directory) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error)
    return Error(Code::kPermissionDenied, "state directory '{}' can not be made: {}", directory,
                 error.message());
  const std::string path = directory + "/lock";
  UniqueFd lock(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  if (!lock.valid())
    return Error(Code::kPermissionDenied, "'{}' can not be opened: {}", path,
                 std::generic_category().message(errno));
  if (flock(lock.get(), LOCK_EX | LOCK_NB) != 0)
    return Error(Code::kFailedPrecondition,
                 "state directory '{}' is in use by another process; stop it or choose another",
                 directory);
  return lock;
}

// Answers once; a call that is dropped because the strand has stopped is answered as well.
class CallResponder {
 public:
  CallResponder(http::Responder respond, awsjson::JsonVersion version, std::string id)
      : respond_(std::move(respond)), version_(version), id_(std::move(id)) {}
  CallResponder(CallResponder&& other) noexcept = default;
  CallResponder& operator=(CallResponder&&) = delete;
  ~CallResponder() {
    if (respond_)
      Answer(std::unexpected(AwsError{.shape = "ServiceUnavailable",
                                      .message = "The service is starting or shutting down.",
                                      .http_status = 503}));
  }

  void Answer(const ApiResult& result) {
    std::exchange(respond_, nullptr)(result ? awsjson::JsonAnswer(*result, version_, id_)
                                            : awsjson::JsonError(result.error(), version_, id_));
  }

 private:
  http::Responder respond_;
  awsjson::JsonVersion version_;
  std::string id_;
};

}  // namespace

// All parts, in the order in which they depend on each other.
struct Control::Core {
  Core(ControlOptions control_options, net::Transport& net_transport, const Clock& time,
       std::function<std::string()> id_source)
      : options(std::move(control_options)),
        transport(net_transport),
        clock(time),
        new_id(std::move(id_source)),
        recorder(std::make_shared<MetricRecorder>(options.metrics)),
        decisions(options.decision_capacity, options.decision_file),
        strand(std::make_shared<ThreadPool>("control", 1)),
        metrics_strand(std::make_shared<ThreadPool>("metrics", 1)) {}

  Status Open();
  Result<std::unique_ptr<InstanceProvider>> MakeProvider();
  void MakeParts();
  void Publish(FleetViewPtr view);
  FleetViewPtr LastView();
  void Stop();

  void Handle(http::Request request, http::Responder respond);
  void HandleApi(const http::Request& request, http::Responder respond);
  void HandleExplain(http::Request request, http::Responder respond);

  const ControlOptions options;
  net::Transport& transport;
  const Clock& clock;
  const std::function<std::string()> new_id;
  std::function<void(FleetViewPtr)> on_fleet;  // set before Start

  const std::shared_ptr<MetricRecorder> recorder;
  telemetry::DecisionLog decisions;
  std::atomic<bool> running = false;
  // Shared with answers that come after the end.
  const std::shared_ptr<std::atomic<int64_t>> waiting_calls =
      std::make_shared<std::atomic<int64_t>>(0);

  std::mutex mu;
  FleetViewPtr last_view;  // guarded by mu

  UniqueFd lock;
  // On the strand.
  std::unique_ptr<State> state;
  std::unique_ptr<InstanceProvider> provider;
  std::unique_ptr<Fleet> fleet;
  std::unique_ptr<Reconciler> reconciler;
  std::unique_ptr<InstanceSampler> sampler;
  std::unique_ptr<Explainer> explainer;
  std::optional<SageMakerServices> sagemaker;
  // On the metrics strand.
  std::unique_ptr<MetricStore> metric_store;
  std::unique_ptr<MetricKeeper> keeper;
  std::optional<CloudWatchServices> cloudwatch;

  // Shared with callbacks from the network, whose posts are dropped once the strand has stopped.
  const std::shared_ptr<ThreadPool> strand, metrics_strand;
};

Status Control::Core::Open() {
  SARAI_TRY(lock, LockDirectory(options.state_directory));
  SARAI_TRY(state, State::Open(options.state_directory + "/control.db"));
  SARAI_TRY(metric_store,
            MetricStore::Open(options.state_directory + "/metrics.db", options.metrics.max_series));
  SARAI_TRY(provider, MakeProvider());
  MakeParts();
  return {};
}

Result<std::unique_ptr<InstanceProvider>> Control::Core::MakeProvider() {
  return MakeProcessProvider(
      options.state_directory, options.launch,
      {.on_address =
           [this](std::string id, std::string address) {
             strand->Post([this, id = std::move(id), address = std::move(address)] {
               fleet->OnAddress(id, address);
             });
           },
       .on_exit =
           [this](std::string id, std::string how) {
             strand->Post(
                 [this, id = std::move(id), how = std::move(how)] { fleet->OnExit(id, how); });
           }});
}

void Control::Core::MakeParts() {
  fleet = std::make_unique<Fleet>(options, *provider, transport, clock, strand, decisions,
                                  [this] { reconciler->Kick(); });
  reconciler =
      std::make_unique<Reconciler>(options, *state, *fleet, *provider, clock, strand,
                                   [this](FleetViewPtr view) { Publish(std::move(view)); });
  sampler = std::make_unique<InstanceSampler>(options, *fleet, transport, clock, strand, recorder);
  explainer = std::make_unique<Explainer>(*fleet, transport, decisions);
  sagemaker.emplace(options, *state, *fleet, clock, [this] { reconciler->Kick(); });
  keeper = std::make_unique<MetricKeeper>(options.metrics, *metric_store, *recorder, clock,
                                          metrics_strand, [this] { return LastView(); });
  cloudwatch.emplace(*metric_store, *recorder, clock, [this] { keeper->Flush(); });
}

void Control::Core::Publish(FleetViewPtr view) {
  {
    std::lock_guard guard(mu);
    last_view = view;
  }
  if (on_fleet) on_fleet(std::move(view));
}

FleetViewPtr Control::Core::LastView() {
  std::lock_guard guard(mu);
  return last_view;
}

void Control::Core::Stop() {
  if (!running.exchange(false)) return;
  strand->Stop();  // nothing is started any more, and no exit is taken for a crash
  provider->Shutdown();
  metrics_strand->Stop();
  keeper->Flush();
}

void Control::Core::Handle(http::Request request, http::Responder respond) {
  const auto target = http::ParseTarget(request.target);
  if (target && request.method == "GET" && Explainer::Owns(*target))
    return HandleExplain(std::move(request), std::move(respond));
  HandleApi(request, std::move(respond));
}

void Control::Core::HandleExplain(http::Request request, http::Responder respond) {
  if (!running) return HandleApi(request, std::move(respond));  // which says why not
  // Counts until it is answered: one such call makes one per instance.
  if (++*waiting_calls > options.max_waiting_calls) {
    --*waiting_calls;
    return respond({.status = 429});
  }
  http::Responder counted = [waiting = waiting_calls,
                             respond = std::move(respond)](http::Response response) mutable {
    --*waiting;
    respond(std::move(response));
  };
  strand->Post([this, request = std::move(request), respond = std::move(counted)]() mutable {
    explainer->Handle(*http::ParseTarget(request.target), std::move(respond));
  });
}

void Control::Core::HandleApi(const http::Request& request, http::Responder respond) {
  CallResponder responder(std::move(respond), VersionOf(request), new_id());
  if (!running) return;  // which answers
  auto parsed = ParseCall(request, options.max_body_bytes, options.default_region);
  if (!parsed) return responder.Answer(std::unexpected(parsed.error()));
  if (++*waiting_calls > options.max_waiting_calls) {
    --*waiting_calls;
    return responder.Answer(std::unexpected(AwsError{
        .shape = "ThrottlingException", .message = "Rate exceeded", .query_code = "Throttling"}));
  }
  const bool metrics = parsed->service == Service::kCloudWatch;
  (metrics ? metrics_strand : strand)
      ->Post([this, metrics, call = std::move(parsed->call),
              responder = std::move(responder)]() mutable {
        --*waiting_calls;
        responder.Answer(metrics ? HandleCloudWatch(*cloudwatch, call)
                                 : HandleSageMaker(*sagemaker, call));
      });
}

Control::Control(ControlOptions options, net::Transport& transport, const Clock& clock,
                 std::function<std::string()> new_id)
    : core_(std::make_shared<Core>(std::move(options), transport, clock, std::move(new_id))) {}

Control::~Control() { Stop(); }

void Control::OnFleet(std::function<void(FleetViewPtr)> publish) {
  core_->on_fleet = std::move(publish);
}

Status Control::Start() {
  SARAI_CHECK_OK(core_->Open());
  core_->running = true;
  core_->provider->ForgetAllBut(core_->reconciler->DesiredIds());
  core_->strand->Post([core = core_.get()] {
    core->reconciler->Kick();
    core->sampler->Run();
  });
  core_->metrics_strand->Post([core = core_.get()] { core->keeper->Run(); });
  return {};
}

void Control::Stop() { core_->Stop(); }

void Control::Handle(http::Request request, http::Responder respond) {
  core_->Handle(std::move(request), std::move(respond));
}

MetricSink Control::sink() {
  return [recorder = core_->recorder](MetricSample sample) { recorder->Add(std::move(sample)); };
}

std::string Control::OpenMetrics() const { return core_->recorder->OpenMetrics(); }

}  // namespace sarai::control
