// One process's loaded models and the lanes that run them.
//
// Its place: `instance` asks it to load and unload (on loader threads) and hands it requests (on
// net threads); it answers through each request's responder. It decides nothing about memory.
//
// Threads: `lanes` worker threads per device, shared by all its models; they pull batches by
// policy::NextBatch, one batch per model in turn, so a flood on one model does not starve another.
// Loads run on the caller's thread and hold no lock that a request needs.
//
// Life of a model in here: Load -> Ready -> Unload: no new requests, what runs and waits is
// finished, then its memory is freed -> gone.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "backends/backend.h"
#include "base/clock.h"
#include "types/inference.h"
#include "types/model_caller.h"
#include "types/model_spec.h"

namespace sarai::engine {

class BackendRegistry;  // name -> Backend, opened when first needed (engine/backend_registry.h)

struct ModelInfo;
using FindModel = std::function<Result<ModelInfo>(const std::string& name)>;

struct EngineOptions {
  int lanes = 0;  // 0 = one per core, at least 2
  // A request runs on the thread that brings it, without a switch to a lane's, while a lane would
  // be free for it, none waits before it, and the model's last runs took less than this (median; in
  // this process only). Bounds what Infer may take. 0 = never.
  Duration run_here_median_max = std::chrono::microseconds(200);
  uint32_t default_max_queue_size = 1024;  // per model, where its config sets none
  uint64_t response_cache_bytes = 0;       // for models with response_cache; 0 = no cache
  // Triton's rate limiter (docs/user_guide/rate_limiter.md): runs start only while the resources
  // that their instance group names are free. Off: instance groups' resources are ignored.
  bool rate_limit = false;
  // What there is of each resource; -1 = shared by all devices. A resource that is not named has as
  // much as the model that asks most.
  std::map<std::string, std::map<int, uint32_t>> rate_limit_resources;
  ModelCaller* models = nullptr;  // runs the steps of ensembles; outlives the engine
  // What is known of a model that a step names, without loading it; a spec without tensors = its
  // configuration does not tell. May block; called within Load.
  FindModel find_model;
};

enum class FailureReason {
  kRejected,
  kCanceled,
  kBackend,
  kOther
};  // of nv_inference_request_failure
inline constexpr int kFailureReasons = 4;

struct LoadOptions {
  std::string directory;      // holds config.pbtxt and/or version folders, or is a version folder
  std::string name;           // overrides the config's name; empty = folder's
  std::string config_json;    // overrides config.pbtxt; empty = none
  std::string config_name;    // configs/<config_name>.pbtxt is read if it is there; empty = none
  bool auto_complete = true;  // add to the configuration what the model itself says
  int default_max_batch_size = 4;  // of models that can batch and do not say how much
};

struct ModelInfo {
  ModelSpec spec;           // completed
  std::string config_json;  // effective ModelConfig
  std::vector<std::string> versions;
  // Class names by output, of label_filename.
  std::map<std::string, std::vector<std::string>, std::less<>> labels;
  uint64_t memory_bytes = 0;  // measured private bytes
  Duration load_time{0};
};

struct DurationSum {
  uint64_t count = 0, ns = 0;
};

struct BatchSizeCounters {
  int64_t batch_size = 0;
  DurationSum compute_input, compute_infer, compute_output;  // per run
};

// Of decoupled models: the n-th responses of all requests together.
struct ResponseCounters {
  DurationSum compute_infer, compute_output, success, fail, empty_response, cancel;
};

// Since the load. Sums over requests: each request of a batch counts the whole run's compute times.
struct ModelCounters {
  uint64_t requests = 0, failures = 0, executions = 0;
  uint64_t inferences = 0;  // batch items answered
  int64_t in_flight = 0;    // queued + running
  TimePoint last_used{};
  WallTime last_inference{};  // end of the last successful run
  DurationSum success, fail;  // arrival to answer
  DurationSum queue, compute_input, compute_infer, compute_output;  // of successful requests
  std::vector<BatchSizeCounters> batches;                           // by size
  int64_t pending = 0;                                              // queued, not yet running
  uint64_t failures_by[kFailureReasons] = {};
  DurationSum cache_hit, cache_miss;        // looking up and, for a miss, inserting
  int64_t sequences = 0;                    // live ones
  std::vector<ResponseCounters> responses;  // decoupled models: by the response's number
};

// A share in one loaded model; cheap to copy. Requests through it end with kUnavailable once the
// model drains or is lost: the caller then takes the slow way through residency again.
class ModelHandle {
 public:
  ModelHandle() = default;
  explicit operator bool() const { return model_ != nullptr; }
  const ModelInfo& info() const;
  ModelCounters counters() const;                          // of all versions together
  ModelCounters counters(std::string_view version) const;  // of one; empty = the highest
  bool ready() const;                                      // neither draining nor lost

  struct Model;
  explicit ModelHandle(std::shared_ptr<Model> model) : model_(std::move(model)) {}
  const std::shared_ptr<Model>& model() const { return model_; }

 private:
  std::shared_ptr<Model> model_;
};

// Reads a model's directory without loading it: config.pbtxt parsed, checked and filled as far as
// that goes without the framework. For metadata of models never loaded, and for `model inspect`.
Result<ModelInfo> InspectDirectory(const LoadOptions& options);

class Engine {
 public:
  // `registry` and `clock` must outlive the engine.
  Engine(EngineOptions options, BackendRegistry& registry, const Clock& clock);
  ~Engine();  // stops the lanes; requests still waiting get kUnavailable

  // Blocking: finds backend and version, loads, completes the config, warms up. The model's bytes
  // are measured. Errors: kInvalidArgument (config), kDataLoss (corrupt model file), kNotFound
  // (no version folder, no such backend), kResourceExhausted, kInternal.
  Result<ModelHandle> Load(const LoadOptions& options);

  // Drains, then frees. `done` is called when the memory is free, on the engine's reaper thread; in
  // this call when the model is gone already. It must not block.
  void Unload(const ModelHandle& model, std::function<void()> done);

  // Checks the inputs against the model, queues, runs. Blocks for no longer than a short run of the
  // model (run_here_median_max); the responder may be called inside. Errors come through the
  // responder: kInvalidArgument names tensor and expectation; kDeadlineExceeded: timed out in the
  // queue; kUnavailable: queue full, draining, or its process died; kResourceExhausted: no memory.
  void Infer(const ModelHandle& model, InferRequest request, InferResponder respond);

  // Called when models were lost at once (their host process died). Set before the first Load.
  void OnModelLost(std::function<void(const ModelHandle& model, Status why)> callback);

  // Called with requests that had not begun when their model's process died, each at most once:
  // whoever it is calls InferAgain on the model's next load, or answers them. Unset: they get
  // kUnavailable, as do steps of sequences always. Set before the first Load.
  void InferAgain(const ModelHandle& model, InferRequest request, InferResponder respond);
  void OnUnbegun(std::function<void(InferRequest request, InferResponder respond)> callback);

  // Share of the time since the last call in which lanes were busy, 0..1 (GPUUtilization's stand-
  // in without a GPU).
  double TakeLaneUtilization();

  // For clocks that a test moves: what waits for a time is looked at again.
  void OnClockMoved();

  struct Impl;

 private:
  std::shared_ptr<Impl> impl_;  // weakly shared with the registry's callback
};

}  // namespace sarai::engine
