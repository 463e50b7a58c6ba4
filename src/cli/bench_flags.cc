#include "cli/bench_flags.h"

#include <fstream>
#include <iterator>

#include <CLI/CLI.hpp>

#include "base/strings.h"
#include "cli/options.h"
#include "loadgen/model_choice.h"

namespace sarai::cli {
namespace {

using loadgen::BenchOptions;
using std::chrono::milliseconds;

Result<std::string> ReadWhole(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return Error(Code::kNotFound, "cannot read {}", path);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

Status Readable(const std::string& path) {
  const auto whole = ReadWhole(path);
  return whole ? Status() : whole.error();
}

// "https://host:port/prefix" -> what of it is asked for.
Status FillAddress(std::string where, bool url, loadgen::TargetOptions& target) {
  const std::string given = where;
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!where.starts_with(scheme)) continue;
    target.tls = scheme == "https://";
    where.erase(0, scheme.size());
    break;
  }
  if (url) {
    if (where == given)
      return MakeStatus(Code::kInvalidArgument, "'{}' is not a URL such as http://127.0.0.1:8000",
                        given);
    const size_t slash = std::min(where.find('/'), where.size());
    target.path_prefix = where.substr(slash);
    while (target.path_prefix.ends_with('/')) target.path_prefix.pop_back();
    where.resize(slash);
  }
  SARAI_TRY([[maybe_unused]] const HostPort parsed, ParseHostPort(where));
  target.address = where;
  return {};
}

std::optional<sigv4::Credentials> CredentialsOf(const store::Environment& environment) {
  const auto variable = [&environment](const char* name) {
    const auto found = environment.find(name);
    return found == environment.end() ? std::string() : found->second;
  };
  if (variable("AWS_ACCESS_KEY_ID").empty()) return std::nullopt;
  return sigv4::Credentials{variable("AWS_ACCESS_KEY_ID"), variable("AWS_SECRET_ACCESS_KEY"),
                            variable("AWS_SESSION_TOKEN")};
}

Status FillTarget(BenchFlags& flags, const store::Environment& environment) {
  loadgen::TargetOptions& target = flags.options.target;
  if (flags.url.empty() == flags.grpc.empty())
    return Status(Code::kInvalidArgument, "give either --url http://HOST:PORT or --grpc HOST:PORT");
  if (!target.endpoint.empty() && flags.url.empty())
    return Status(Code::kInvalidArgument, "--endpoint goes with --url");
  const bool url = flags.grpc.empty();
  SARAI_CHECK_OK(FillAddress(url ? flags.url : flags.grpc, url, target));
  target.protocol = !url                       ? loadgen::Protocol::kGrpc
                    : !target.endpoint.empty() ? loadgen::Protocol::kInvokeEndpoint
                                               : loadgen::Protocol::kHttp;
  if (target.protocol == loadgen::Protocol::kInvokeEndpoint)
    target.credentials = CredentialsOf(environment);
  if (target.certificate_file.empty() != target.key_file.empty())
    return Status(Code::kInvalidArgument, "--cert-file and --key-file go together");
  for (const auto* const file :
       {&target.authority_file, &target.certificate_file, &target.key_file})
    if (!file->empty()) SARAI_CHECK_OK(Readable(*file));
  for (const std::string& header : flags.headers) {
    const size_t colon = header.find(':');
    if (colon == std::string::npos || colon == 0)
      return MakeStatus(Code::kInvalidArgument, "'{}' is not a header such as Name: value", header);
    target.headers[header.substr(0, colon)] = Trim(std::string_view(header).substr(colon + 1));
  }
  return {};
}

Status FillModels(BenchFlags& flags) {
  BenchOptions& options = flags.options;
  if (!flags.models.empty()) {
    SARAI_TRY(options.models, loadgen::ExpandNames(flags.models));
  }
  if (flags.models_from == "index")
    options.models_from_index = true;
  else if (!flags.models_from.empty())
    return Status(Code::kInvalidArgument, "--models-from knows one source: index");
  if (flags.uniform) options.order = loadgen::ModelOrder::kUniform;
  if (flags.zipf > 0) {
    options.order = loadgen::ModelOrder::kZipf;
    options.zipf_exponent = flags.zipf;
  }
  if (flags.trace.empty()) return {};
  SARAI_TRY(const std::string csv, ReadWhole(flags.trace));
  SARAI_TRY(options.load.trace, loadgen::ParseTrace(csv));
  if (!options.models.empty() || options.load.trace->models.empty()) return {};
  options.order = loadgen::ModelOrder::kTrace;
  for (const std::string& model : options.load.trace->models) {
    std::string name = flags.trace_models;
    const size_t at = name.find("{}");
    if (at != std::string::npos) name.replace(at, 2, model);
    options.models.push_back(std::move(name));
  }
  return {};
}

Status FillPayload(BenchFlags& flags) {
  loadgen::PayloadOptions& payload = flags.options.payload;
  for (const std::string& text : flags.shapes) {
    SARAI_TRY(auto input, loadgen::ParseInputFlag(text));
    payload.inputs[input.first] = std::move(input.second);
  }
  if (flags.input.empty()) return {};
  SARAI_TRY(std::string body, ReadWhole(flags.input));
  if (body.empty()) return MakeStatus(Code::kInvalidArgument, "{} is empty", flags.input);
  payload.file = Blob::FromString(std::move(body));
  if (payload.content_type.empty()) payload.content_type = "application/json";
  return {};
}

void AddTargetFlags(CLI::App& app, BenchFlags& flags) {
  loadgen::TargetOptions& target = flags.options.target;
  app.add_option("--url", flags.url,
                 "http://HOST:PORT of a KServe server or of `sarai serve`; or https://");
  app.add_option("--grpc", flags.grpc,
                 "HOST:PORT of a KServe server's gRPC; https://HOST:PORT with TLS")
      ->type_name("ADDRESS");
  app.add_option("--ca-file", target.authority_file,
                 "PEM that proves the server (default: the system's)");
  app.add_option("--cert-file", target.certificate_file, "PEM shown to a server that asks");
  app.add_option("--key-file", target.key_file, "PEM of its key");
  app.add_option("--endpoint", target.endpoint,
                 "InvokeEndpoint of this endpoint at --url; models are TargetModels. Signed when "
                 "AWS_ACCESS_KEY_ID is set");
  app.add_option("--region", target.region, "Requests are signed for")->capture_default_str();
  app.add_option("--path", target.path_template,
                 "POST here instead, for servers with other routes; {} is the model's name");
  app.add_option("--model-version", target.model_version, "Instead of the one the server picks");
  app.add_option("--header", flags.headers, "'Name: value' of each request, or gRPC metadata");
  app.add_option("--threads", target.threads, "Threads that send and receive")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  app.add_option("--connections", target.connections,
                 "Most that are kept open (default: one per request under way; gRPC: one for 8)")
      ->check(CLI::Range(1, 10'000));
  AddDuration(app, "--timeout", target.timeout, "Of one request (default: 60s)");
}

void AddModelFlags(CLI::App& app, BenchFlags& flags) {
  app.add_option("--models,-m", flags.models, "a,b,c or a pattern: model-{0..999}");
  app.add_option("--models-from", flags.models_from, "index: all that the server lists");
  app.add_option("--zipf", flags.zipf, "The k-th model is asked for in proportion to 1/k^S")
      ->type_name("S");
  app.add_flag("--uniform", flags.uniform, "Models by chance, all alike (default: in turn)");
  app.add_option("--seed", flags.options.seed, "Of everything that is left to chance")
      ->capture_default_str();
}

void AddPayloadFlags(CLI::App& app, BenchFlags& flags) {
  loadgen::PayloadOptions& payload = flags.options.payload;
  app.add_option("--shape", flags.shapes,
                 "NAME:1,3,224,224 of an input with variable dimensions; NAME:FP32:1,16 where the "
                 "server does not describe its models");
  app.add_option("--batch", payload.batch, "First dimension where it is variable")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_flag("--zeros", payload.zeros, "Zeros instead of random values");
  app.add_flag("--json-tensors", payload.json, "Numbers as JSON instead of binary tensors");
  app.add_option("--string-length", payload.string_length, "Of elements of BYTES inputs")
      ->capture_default_str();
  app.add_option(
         "--input", flags.input,
         "Send this file as the body instead; over gRPC a ModelInferRequest, or KServe's JSON")
      ->type_name("FILE");
  app.add_option("--content-type", payload.content_type, "Of --input (default: application/json)");
}

void AddLoadFlags(CLI::App& app, BenchFlags& flags) {
  loadgen::LoadOptions& load = flags.options.load;
  app.add_option("--concurrency,-c", load.clients,
                 "Closed loop: so many clients, each sends when it is answered; 1,4,16 are three "
                 "steps (default: 1)")
      ->delimiter(',');
  app.add_option("--rate,-r", load.rates,
                 "Open loop: so many requests per second, whatever the server does; latency counts "
                 "from when a request was due; 100,200 are two steps")
      ->delimiter(',');
  app.add_flag("--constant", load.constant, "Evenly spaced instead of Poisson arrivals");
  app.add_option("--trace", flags.trace, "CSV with a column `model`, and perhaps `at_s`")
      ->type_name("FILE");
  app.add_option("--trace-models", flags.trace_models, "Name of the trace's model {}")
      ->capture_default_str();
  app.add_option("--trace-speed", load.trace_speed, "2: its times pass twice as fast")
      ->capture_default_str();
  app.add_option_function<std::string>(
         "--duration,-d",
         [&flags](const std::string& text) {
           const auto parsed = ParseDuration(text);
           if (!parsed) throw CLI::ValidationError("--duration", parsed.error().message());
           flags.duration = *parsed;
         },
         "Measured time of a step (default: 10s)")
      ->type_name("DURATION");
  app.add_option("--requests,-n", load.requests, "At most so many per step");
  AddDuration(app, "--warmup", load.warmup, "Load before the measured time (default: 0)");
  app.add_option("--max-outstanding", load.max_outstanding,
                 "Open loop: what is due beyond is counted as not sent")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  AddDuration(app, "--expected-interval", load.expected_interval,
              "Closed loop: also report latencies corrected for requests expected this often");
  AddDuration(app, "--drain", load.drain_patience,
              "Longest wait for answers at a step's end (default: 5s)");
}

void AddOutputFlags(CLI::App& app, BenchFlags& flags) {
  app.add_option("--pid", flags.options.server_pids,
                 "The server's: report its CPU time, and its children's");
  app.add_option("--json", flags.json, "Write the results here")->type_name("FILE");
  app.add_option("--baseline", flags.baseline, "Compare with this earlier --json file")
      ->type_name("FILE");
  app.add_option("--svg", flags.svg, "Draw the results here")->type_name("FILE");
  app.add_option("--top", flags.top, "Models shown by name")->capture_default_str();
  app.add_flag("--no-plot", flags.no_plot, "No plot in the terminal");
  app.add_flag("--quiet,-q", flags.quiet, "No progress");
  app.add_option("--max-error-rate", flags.max_error_rate,
                 "Exit code 1 when a step's share of errors is higher")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
}

}  // namespace

Status FillBenchOptions(BenchFlags& flags, const store::Environment& environment) {
  SARAI_CHECK_OK(FillTarget(flags, environment));
  SARAI_CHECK_OK(FillModels(flags));
  SARAI_CHECK_OK(FillPayload(flags));
  if (!flags.baseline.empty()) {
    SARAI_TRY(flags.baseline_text, ReadWhole(flags.baseline));
  }
  loadgen::LoadOptions& load = flags.options.load;
  // With a number of requests or a trace, these are what ends a step.
  const bool ends = load.requests > 0 || load.trace.has_value();
  load.duration = flags.duration.value_or(ends ? milliseconds(0) : load.duration);
  if (load.clients.empty() && load.rates.empty() && (!load.trace || load.trace->at.empty()))
    load.clients.push_back(1);
  return {};
}

void AddBenchFlags(CLI::App& app, BenchFlags& flags) {
  AddTargetFlags(app, flags);
  AddModelFlags(app, flags);
  AddPayloadFlags(app, flags);
  AddLoadFlags(app, flags);
  AddOutputFlags(app, flags);
}

}  // namespace sarai::cli
