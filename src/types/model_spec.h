// What the engine needs to know of one model: its ModelConfig (proto/model_config.proto) after
// completion, normalisation and validation, as plain values.
#pragma once

#include <cstdint>
#include <map>
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
  QueueLimits queue;
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
  int instance_count = 1;  // runs at the same time, over all groups
  BatchingSpec batching;
  std::vector<WarmupSample> warmup;
  std::map<std::string, std::string> parameters;
};

}  // namespace sarai
