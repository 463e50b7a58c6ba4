// What the engine needs to know of one model: its ModelConfig (proto/model_config.proto) after
// completion, normalisation and validation, as plain values.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "types/tensor.h"

namespace sarai {

// How requests wait for their turn. 0 and zero durations mean "no bound of the model's own".
struct QueueLimits {
  uint32_t max_queue_size = 0;
  Duration default_timeout{0};
  bool allow_timeout_override = false;
  bool delay_when_expired = false;  // Triton's DELAY; false = REJECT
};

struct BatchingSpec {
  bool enabled = false;                  // dynamic_batching present
  std::vector<int64_t> preferred_sizes;  // ascending
  Duration max_queue_delay{0};
  bool preserve_ordering = false;
  uint64_t priority_levels = 0;         // 0 = off; level 1 is served first, strictly
  uint64_t default_priority_level = 0;  // of requests that name none, or one out of range
  QueueLimits queue;                    // of levels without one of their own
  std::map<uint64_t, QueueLimits> queue_by_level;
};

// An input that the scheduler fills: the sequence's state of affairs, as a [1] or [batch,1] tensor.
struct SequenceControl {
  enum class Kind { kStart, kEnd, kReady, kCorrelationId };
  std::string input;
  Kind kind = Kind::kStart;
  DataType type = DataType::kInvalid;
  double off = 0, on = 1;  // of all kinds but kCorrelationId
};

// Implicit state: an output of one step that becomes an input of the sequence's next.
struct SequenceState {
  std::string input, output;
  DataType type = DataType::kInvalid;
  Shape dims;                // without batch dimension
  std::string initial_file;  // absolute; empty = zeros
  Shape initial_dims;        // where `dims` has variable ones; empty = `dims` with 1 for -1
};

struct SequenceSpec {
  enum class Strategy { kDirect, kOldest };
  Strategy strategy = Strategy::kDirect;
  Duration max_idle = std::chrono::seconds(1);  // a sequence idle for longer is ended
  std::vector<SequenceControl> controls;
  std::vector<SequenceState> states;
  Duration max_queue_delay{0};
  float minimum_slot_utilization = 0;    // kDirect
  int64_t max_candidate_sequences = 1;   // kOldest, per instance
  std::vector<int64_t> preferred_sizes;  // kOldest, ascending
  bool preserve_ordering = false;        // kOldest
  bool iterative = false;  // each request is a sequence, of as many runs as it asks for
};

struct EnsembleStep {
  std::string model;
  std::string version;                            // empty = the one its version policy picks
  std::map<std::string, std::string> input_map;   // model's input -> ensemble tensor
  std::map<std::string, std::string> output_map;  // model's output -> ensemble tensor
};

struct EnsembleSpec {
  std::vector<EnsembleStep> steps;
  uint32_t max_inflight_requests = 0;  // per step; 0 = no bound
};

// An input computed from the batch (ragged batching); ModelConfig's BatchInput.
struct BatchInputSpec {
  enum class Kind {
    kElementCount,
    kAccumulatedElementCount,
    kAccumulatedElementCountWithZero,
    kMaxElementCountAsShape,
    kItemShape,
    kItemShapeFlatten
  };
  Kind kind = Kind::kElementCount;
  std::vector<std::string> targets;
  DataType type = DataType::kInt32;  // or kFp32
  std::string source;
};

// Outputs that are cut up by an input's shapes (BATCH_SCATTER_WITH_INPUT_SHAPE).
struct BatchOutputSpec {
  std::vector<std::string> targets;
  std::string source;
};

struct InstanceGroup {
  enum class Kind { kCpu, kGpu, kModel };
  std::string name;
  Kind kind = Kind::kCpu;
  int count = 1;  // per device of `gpus`
  std::vector<int> gpus;
  bool passive = false;        // takes no requests
  uint32_t rate_priority = 1;  // larger = less often
  struct Resource {
    std::string name;
    bool global = false;  // one pool for all devices
    uint32_t count = 0;
  };
  std::vector<Resource> resources;
};

// optimization.execution_accelerators, and what else of `optimization` a backend may use.
struct OptimizationSpec {
  struct Accelerator {
    std::string name;
    std::map<std::string, std::string> parameters;
  };
  std::optional<int> graph_level;
  std::vector<Accelerator> cpu_accelerators, gpu_accelerators;
  bool eager_batching = false;
};

struct WarmupInput {
  enum class Source { kZero, kRandom, kFile };
  std::string name;
  DataType type = DataType::kInvalid;
  Shape dims;  // without batch dimension
  Source source = Source::kZero;
  std::string file;  // below the model's warmup/
};

struct WarmupSample {
  std::string name;
  uint32_t batch_size = 0;
  uint32_t count = 1;
  std::vector<WarmupInput> inputs;
};

struct ModelSpec {
  std::string name;
  std::string version;              // "1"
  std::string backend;              // "onnxruntime", "pytorch"
  std::string platform;             // "onnxruntime_onnx", "pytorch_libtorch"; shown in metadata
  std::string directory;            // absolute; holds config.pbtxt and the version folders
  std::string artifact;             // absolute path of the file the backend opens
  int64_t max_batch_size = 0;       // 0 = the model has no batch dimension
  std::vector<TensorSpec> inputs;   // may be empty before completion
  std::vector<TensorSpec> outputs;  // may be empty before completion
  // Shapes the framework sees where they differ from the spec's dims; by tensor name.
  std::map<std::string, Shape> reshape;
  // Absolute paths of class names, one a line by class index; by output name.
  std::map<std::string, std::string> label_files;
  int instance_count = 1;  // runs at the same time, over all groups that are not passive
  std::vector<InstanceGroup> instance_groups;
  BatchingSpec batching;
  std::optional<SequenceSpec> sequence;
  std::optional<EnsembleSpec> ensemble;  // then `backend` is empty
  std::vector<BatchInputSpec> batch_inputs;
  std::vector<BatchOutputSpec> batch_outputs;
  bool decoupled = false;       // none to many responses per request
  bool response_cache = false;  // answers may come from the server's cache
  OptimizationSpec optimization;
  std::vector<std::string> operation_libraries;  // absolute paths
  std::vector<WarmupSample> warmup;
  std::map<std::string, std::string> parameters;
  std::map<std::string, std::string> metric_tags;             // further labels of its metrics
  std::map<std::string, std::vector<double>> metric_buckets;  // of a histogram, by family
};

// What the framework is given and asked for: the spec's own tensors (in the client's dims), then
// those that the scheduler adds: sequence controls, states, batch inputs.
std::vector<TensorSpec> FrameworkInputs(const ModelSpec& spec);
std::vector<TensorSpec> FrameworkOutputs(const ModelSpec& spec);

}  // namespace sarai
