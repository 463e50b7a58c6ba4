// What a run is asked to do.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "loadgen/payload.h"
#include "loadgen/trace_file.h"
#include "wire/sigv4/sigv4.h"

namespace sarai::loadgen {

enum class Protocol { kHttp, kGrpc, kInvokeEndpoint };

struct TargetOptions {
  Protocol protocol = Protocol::kHttp;
  std::string address;  // "host:port"
  bool tls = false;
  std::string authority_file;              // PEM; empty = the system's
  std::string certificate_file, key_file;  // PEM, shown to servers that ask; empty = none
  std::string path_prefix;                 // before /v2/… or /endpoints/…; "" or "/prefix"
  std::string endpoint;                    // kInvokeEndpoint
  std::string model_version;
  // Instead of the protocol's own path; "{}" is the model. For servers with other routes.
  std::string path_template;
  std::map<std::string, std::string> headers;     // further ones, or gRPC metadata
  std::optional<sigv4::Credentials> credentials;  // kInvokeEndpoint: signed with these
  std::string region = "us-east-1";
  int threads = 1;  // that send and receive
  // Most that are kept: 0 = as many as requests may be outstanding; of gRPC one for 8 of them.
  size_t connections = 0;
  std::chrono::milliseconds timeout{60'000};  // of one request
};

enum class ModelOrder { kRoundRobin, kUniform, kZipf, kTrace };

struct LoadOptions {
  std::vector<int> clients;                    // closed loop: one step each
  std::vector<double> rates;                   // open loop: one step each, per second
  bool constant = false;                       // evenly spaced instead of Poisson
  std::optional<Trace> trace;                  // its times, or only its models where it has none
  double trace_speed = 1;                      // 2 = twice as fast
  std::chrono::milliseconds duration{10'000};  // measured, per step
  std::chrono::milliseconds warmup{0};         // before it, not measured
  uint64_t requests = 0;                       // per step, at most; 0 = as many as the time gives
  size_t max_outstanding = 1024;               // open loop: what is due beyond is counted, not sent
  std::chrono::milliseconds expected_interval{0};   // closed loop: also report corrected latencies
  std::chrono::milliseconds drain_patience{5'000};  // for what is under way at the end
};

struct BenchOptions {
  TargetOptions target;
  LoadOptions load;
  PayloadOptions payload;
  std::vector<std::string> models;
  bool models_from_index = false;
  ModelOrder order = ModelOrder::kRoundRobin;
  double zipf_exponent = 1;
  std::vector<pid_t> server_pids;  // their CPU time, with that of their children, is reported
  uint64_t seed = 1;
};

}  // namespace sarai::loadgen
