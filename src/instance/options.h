// Every option of one instance, with its default and unit. `cli` fills it from flags; nothing below
// reads the environment.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/clock.h"
#include "instance/span_exporter.h"
#include "net/grpc/server.h"
#include "policy/model_control.h"
#include "store/open_store.h"
#include "telemetry/trace_settings.h"

namespace sarai::instance {

struct InstanceOptions {
  // --- what is served --------------------------------------------------------------------------
  // Folders of model folders in Triton's layout (their files are the user's: never deleted), or
  // "s3://…" (store/repository_url.h), fetched to the state directory.
  std::vector<std::string> model_repositories;
  // "s3://bucket/prefix/" or "file:///dir/": a request's TargetModel is a key below it. Empty =
  // none.
  std::string source_url;
  // `source_url` is one archive (or folder, with "/" at the end): loaded at start, never evicted,
  // answered at /invocations; /ping is 200 once it is loaded.
  bool single_model = false;
  // What the server's metadata call it. Triton's clients compare it with Triton's own default.
  std::string server_name = "triton";
  // What x-sarai-instance and the admin API call this instance.
  std::string instance_id = "instance";

  // --- which models are loaded ---------------------------------------------------------------
  policy::ControlMode control_mode = policy::ControlMode::kOnDemand;
  std::vector<std::string> load_at_start;  // names of models, or "*" alone
  Duration repository_poll_interval = std::chrono::seconds(15);
  bool strict_readiness = true;  // not ready while a model that is meant to be loaded is not
  int load_retries = 0;          // at once, of a load that failed

  // --- the disk tier, memory -------------------------------------------------------------------
  std::string state_directory;       // of the disk tier; needed for what is fetched
  uint64_t memory_budget_bytes = 0;  // private bytes for models, hosts included; 0 = unbounded
  uint64_t disk_budget_bytes = 0;    // of unpacked artifacts; 0 = unbounded
  uint64_t max_unpacked_bytes = 0;   // per artifact; 0 = the disk tier's own bound
  store::S3Options s3;
  store::Environment environment;  // for the credential chain and proxies

  // --- residency -------------------------------------------------------------------------------
  Duration wait_budget = std::chrono::seconds(55);          // of a request for its model; then 429
  Duration revalidate_interval = std::chrono::seconds(30);  // between ETag checks of one model
  Duration churn_guard = std::chrono::seconds(2);           // a model this young is evicted last
  Duration failure_memo = std::chrono::seconds(5);  // a failed load is not tried again before
  uint32_t max_waiting_per_model = 1024;            // requests
  uint32_t max_waiting_total = 16384;               // requests
  Duration overhead_interval = std::chrono::milliseconds(500);  // between memory measurements

  // --- threads ---------------------------------------------------------------------------------
  int http_threads = 0;    // event loops; 0 = one per core, at most 4
  int lanes = 0;           // that run models; 0 = one per core, at least 2
  int loader_threads = 2;  // loads at once
  int fetch_threads = 4;   // fetches at once
  int lookup_threads = 2;  // HEAD requests

  // --- backends --------------------------------------------------------------------------------
  std::string backend_directory;  // holds libsarai_*.so
  std::string host_executable;    // this program; run as `… backend-host`
  int host_channels = 8;          // calls at once into one host
  int intra_op_threads = 0;       // of a backend's shared pool; 0 = one per core
  std::map<std::string, std::map<std::string, std::string>> backend_settings;  // by backend name
  bool rate_limit = false;  // engine::EngineOptions, as the resources
  std::map<std::string, std::map<int, uint32_t>> rate_limit_resources;
  uint64_t response_cache_bytes = 0;  // of answers kept, for models with response_cache; 0 = none
  // Of every model: configs/NAME.pbtxt is read instead of config.pbtxt where it exists.
  std::string model_config_name;
  bool auto_complete_config = true;        // add to a configuration what the model itself says
  int default_max_batch_size = 4;          // of models that can batch and do not say how much
  uint32_t default_max_queue_size = 1024;  // per model in the engine, where its config sets none

  // --- HTTP ------------------------------------------------------------------------------------
  bool serve_http = true;
  std::string http_address = "127.0.0.1";
  uint16_t http_port = 0;        // 0 = the kernel picks
  bool http_reuse_port = false;  // other processes may listen on it too
  net::TlsOptions http_tls;      // not of the metrics port
  bool serve_metrics = true;     // a second port for GET /metrics (the HTTP port answers it too)
  std::string metrics_address = "127.0.0.1";
  uint16_t metrics_port = 0;
  uint64_t max_body_bytes = 256ull << 20;  // 413 above it
  uint64_t max_json_bytes = 64ull << 20;   // the JSON part of an inference
  uint32_t max_connections = 4096;
  std::chrono::seconds idle_timeout{120};
  // Clients may register shared-memory regions of this machine. Whoever reaches the port can then
  // have any region of this user's read and written.
  bool allow_client_shared_memory = true;
  std::vector<std::string> http_restrictions;  // "category,category:key=value" (restricted_apis.h)
  std::string http_header_pattern;             // headers that become parameters; empty = none
  std::chrono::milliseconds drain_patience{25000};  // for requests in flight when stopping

  // --- gRPC ------------------------------------------------------------------------------------
  bool serve_grpc = false;
  net::GrpcServerOptions grpc;
  std::vector<std::string> grpc_restrictions;  // "category,category:key=value" (restricted_apis.h)
  std::string grpc_header_pattern;             // metadata that become parameters; empty = none
  uint32_t grpc_max_stream_requests = 1024;    // in flight in one stream
  uint64_t max_load_file_bytes = 1ull << 30;   // of the files that a load request brings

  // --- what it tells ---------------------------------------------------------------------------
  size_t decision_capacity = 4096;        // newest kept
  std::string decision_file;              // also appended there as JSON lines; empty = not
  size_t event_capacity = 4096;           // load, unload and fetch durations; newest kept
  uint32_t max_models_in_metrics = 1000;  // further ones are summed as model="(other)"
  telemetry::TraceValues trace;           // at the start; log settings and these change live
  std::string trace_file;                 // Triton's form; empty = traces go nowhere
  bool trace_opentelemetry = false;       // traces go to a collector instead
  SpanExporterOptions spans;
  std::string access_log;       // a JSON line per request; "-" = standard output
  std::string log_file;         // where the log goes, as log settings show it
  bool latency_metrics = true;  // nv_*_duration_us
  bool cpu_metrics = true;      // nv_cpu_*
  Duration metrics_interval = std::chrono::seconds(2);  // least time between looks at the machine
  Duration feed_interval = std::chrono::milliseconds(50);  // changes closer than this go together
  uint32_t max_feed_watchers = 64;                         // long polls at once
};

}  // namespace sarai::instance
