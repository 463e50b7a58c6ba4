// The configurations that a model is tried with: what is given, with other numbers of instances,
// batches, waits and threads. Plain values.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"
#include "model_config.pb.h"

namespace sarai::tuning {

// An empty list leaves that part of the configuration as it is.
struct Space {
  std::vector<int> instances;
  std::vector<int> batch_sizes;  // 0 = no dynamic batching; those above max_batch_size are left out
  std::vector<uint64_t> queue_delays_us;  // with dynamic batching
  std::vector<int> threads;               // of one run; 0 = the backend's own choice
  std::vector<std::string> precisions;    // "f32", "bf16"; OpenVINO only
};
// For a machine with so many cores.
Space DefaultSpace(int cores, int max_batch_size);

struct Candidate {
  std::string text;  // "2 instances, batches of 8 within 500 us, 1 thread"
  inference::ModelConfig config;
};

// The first is `given` as it is. `effective` is what the server makes of it. Errors:
// kInvalidArgument: the model has no instances of its own (an ensemble), more than `most`.
Result<std::vector<Candidate>> Candidates(const inference::ModelConfig& given,
                                          const inference::ModelConfig& effective,
                                          const Space& space, size_t most = 1000);

}  // namespace sarai::tuning
