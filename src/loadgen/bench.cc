#include "loadgen/bench.h"

#include <algorithm>
#include <unordered_map>

#include <fmt/format.h>

#include "base/bytes.h"

namespace sarai::loadgen {
namespace {

struct Load {
  std::string text;
  std::optional<int> clients;
  std::optional<double> rate;  // with neither: the trace's own times
};

std::vector<Load> Loads(const LoadOptions& options) {
  std::vector<Load> loads;
  for (const int clients : options.clients)
    loads.push_back({fmt::format("{} client{}", clients, clients == 1 ? "" : "s"), clients, {}});
  for (const double rate : options.rates)
    loads.push_back(
        {fmt::format("{} req/s, {}", rate, options.constant ? "even" : "Poisson"), {}, rate});
  if (loads.empty() && options.trace && !options.trace->at.empty())
    loads.push_back({fmt::format("trace at {}x", options.trace_speed), {}, {}});
  return loads;
}

Status Check(const BenchOptions& options) {
  const LoadOptions& load = options.load;
  const auto wrong = [](const char* text) { return Status(Code::kInvalidArgument, text); };
  if (Loads(load).empty())
    return wrong("give the load: --concurrency, --rate, or a --trace with times");
  if (load.duration.count() == 0 && load.requests == 0 && !load.trace)
    return wrong("give --duration or --requests: otherwise it would never end");
  if (std::ranges::any_of(load.clients, [](int n) { return n < 1 || n > 100'000; }))
    return wrong("--concurrency is a number from 1 to 100000");
  if (std::ranges::any_of(load.rates, [](double r) { return !(r > 0) || r > 1e7; }))
    return wrong("--rate is a number of requests per second above 0");
  if (!(load.trace_speed > 0)) return wrong("--trace-speed is a number above 0");
  if (options.order == ModelOrder::kTrace && (!load.trace || load.trace->order.empty()))
    return wrong("the trace names no models: give them with --models");
  return {};
}

size_t MostOutstanding(const LoadOptions& load) {
  size_t most = load.rates.empty() && !load.clients.empty() ? 0 : load.max_outstanding;
  for (const int clients : load.clients) most = std::max<size_t>(most, clients);
  return most;
}

Result<std::unique_ptr<Target>> MakeTarget(const BenchOptions& options, const Clock& clock) {
  const size_t most = MostOutstanding(options.load);
  if (options.target.protocol != Protocol::kGrpc)
    return MakeHttpTarget(options.target, most, clock);
  return MakeGrpcTarget(options.target, most, clock);
}

Result<std::vector<std::string>> ModelsOf(const BenchOptions& options, Target& target) {
  std::vector<std::string> models = options.models;
  if (options.models_from_index) {
    SARAI_TRY(models, target.ReadIndex());
  }
  if (models.empty())
    return Error(Code::kInvalidArgument, "there are no models: name them with --models");
  return models;
}

Result<InferRequest> RequestFor(const BenchOptions& options, Target& target,
                                const std::string& model) {
  if (!options.payload.file.empty()) return InferRequest{};
  Result<Signature> signature = target.ReadSignature(model);
  if (!signature && signature.error().code() == Code::kUnimplemented)
    signature = SignatureFromFlags(options.payload);
  if (!signature) return Error(signature.error().WithContext("what '" + model + "' takes"));
  return MakeRequest(*signature, options.payload, options.seed);
}

const char* OrderText(ModelOrder order) {
  switch (order) {
    case ModelOrder::kRoundRobin: return "in turn";
    case ModelOrder::kUniform: return "uniformly by chance";
    case ModelOrder::kZipf: return "by Zipf's law";
    case ModelOrder::kTrace: break;
  }
  return "in the trace's order";
}

std::string WorkloadText(const BenchOptions& options, const std::vector<std::string>& models,
                         uint64_t request_bytes) {
  if (models.size() == 1)
    return fmt::format("model {}, {} a request", models[0], FormatBytes(request_bytes));
  return fmt::format(
      "{} models {}{}, {} a request", models.size(), OrderText(options.order),
      options.order == ModelOrder::kZipf ? fmt::format(" (s = {})", options.zipf_exponent) : "",
      FormatBytes(request_bytes));
}

ModelChoice ChoiceOf(const BenchOptions& options, size_t models) {
  switch (options.order) {
    case ModelOrder::kRoundRobin: break;
    case ModelOrder::kUniform: return ModelChoice::Uniform(models, options.seed);
    case ModelOrder::kZipf: return ModelChoice::Zipf(models, options.zipf_exponent, options.seed);
    case ModelOrder::kTrace: return ModelChoice::Listed(options.load.trace->order);
  }
  return ModelChoice::RoundRobin(models);
}

Arrivals ArrivalsOf(const BenchOptions& options, const Load& load) {
  constexpr uint64_t kOtherSeed = 0x5eed;  // models and times must not follow each other
  if (!load.rate) return Arrivals::Listed(options.load.trace->at, options.load.trace_speed);
  return options.load.constant ? Arrivals::Constant(*load.rate)
                               : Arrivals::Poisson(*load.rate, options.seed ^ kOtherSeed);
}

StepPlan PlanOf(const BenchOptions& options, const Load& load, size_t models) {
  StepPlan plan{.models = ChoiceOf(options, models),
                .warmup = options.load.warmup,
                .duration = options.load.duration,
                .requests = options.load.requests,
                .max_outstanding = options.load.max_outstanding,
                .drain_patience = options.load.drain_patience,
                .server_pids = options.server_pids};
  if (load.clients) plan.clients = *load.clients;
  if (!load.clients) plan.arrivals = ArrivalsOf(options, load);
  plan.tally.seed = options.seed;
  if (load.clients) plan.tally.expected_interval = options.load.expected_interval;
  return plan;
}

}  // namespace

Result<Report> RunBench(const BenchOptions& options, const Clock& clock,
                        const BenchEvents& events) {
  SARAI_CHECK_OK(Check(options));
  SARAI_TRY(const auto target, MakeTarget(options, clock));
  Report report;
  SARAI_TRY(report.models, ModelsOf(options, *target));
  SARAI_TRY(const InferRequest request, RequestFor(options, *target, report.models[0]));
  SARAI_CHECK_OK(target->Prepare(report.models, options.payload, request));
  report.target = target->Describe();
  report.workload = WorkloadText(options, report.models, target->request_bytes());
  events.on_begin(report);
  Acquaintance acquaintance(report.models.size());
  for (const Load& load : Loads(options.load)) {
    events.on_step(load.text);
    StepReport step = RunStep(*target, PlanOf(options, load, report.models.size()), acquaintance,
                              clock, events.on_progress, report.interrupted);
    step.load = load.text;
    step.clients = load.clients;
    step.rate = load.rate;
    step.client_threads = options.target.threads;
    report.steps.push_back(std::move(step));
    if (report.interrupted) break;
  }
  report.cold_by = acquaintance.server_tells ? "the server" : "each model's first answer";
  return report;
}

}  // namespace sarai::loadgen
