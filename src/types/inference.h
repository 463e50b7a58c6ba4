// One inference, on its way in and on its way out.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/cancellation.h"
#include "base/clock.h"
#include "base/status.h"
#include "types/tensor.h"
#include "types/trace.h"

namespace sarai {

using Parameter = std::variant<bool, int64_t, uint64_t, double, std::string>;
using Parameters = std::map<std::string, Parameter, std::less<>>;

// Which sequence a request belongs to; 0 and "" mean none.
using CorrelationId = std::variant<uint64_t, std::string>;

inline bool HasSequence(const CorrelationId& id) {
  return id != CorrelationId() && id != CorrelationId("");
}

// A place in a shared-memory region that the client has registered by name.
struct SharedMemoryUse {
  std::string region;
  uint64_t offset = 0, byte_size = 0;
};

struct RequestedOutput {
  std::string name;
  bool binary = false;          // raw bytes after the JSON header instead of JSON numbers
  uint32_t classification = 0;  // top-k as "value:index[:label]" strings; 0 = off
  std::optional<SharedMemoryUse> shared_memory;  // where it goes instead of into the answer
  Parameters parameters;
};

struct InferRequest {
  std::string model;    // the engine's name for it
  std::string version;  // empty = the one the version policy picks
  std::string id;       // echoed; may be empty
  std::vector<Tensor> inputs;
  // Inputs that lie in shared memory, by name: their data is empty until the instance, which knows
  // the regions, has put it there.
  std::map<std::string, SharedMemoryUse, std::less<>> shared_inputs;
  std::vector<RequestedOutput> outputs;  // empty = all of the model's
  bool binary_outputs = false;           // the default for outputs that do not say
  bool raw_input = false;  // one unnamed tensor of raw bytes: name, type, shape come from the model
  Parameters parameters;   // custom ones: those with a meaning have members of their own
  uint64_t priority = 0;   // 0 = the model's default
  Duration timeout{0};     // its own bound on queueing; 0 = none
  TimePoint deadline = TimePoint::max();  // when the caller stops waiting
  CorrelationId sequence;
  bool sequence_start = false, sequence_end = false;
  bool accepts_many = false;  // the responder may be called more than once (decoupled models)
  CancellationPtr cancellation;
  TracePtr trace;  // null = this request is not traced
  Caller caller;
};

// What the run that answered took. Of an ensemble: the sums of its steps'.
struct ComputeTimes {
  Duration input{0}, infer{0}, output{0};
};

struct InferResponse {
  std::string model;
  std::string version;
  std::string id;
  Parameters parameters;
  std::vector<Tensor> outputs;
  ComputeTimes times;
  // Of a stream of responses (decoupled models): whether this is the last one. A last one may be
  // empty: no outputs, only the end.
  bool final = true;
  // Of a stream: this response is an error, but others may follow. An error that ends the request
  // is the Result's.
  Status error;
};

// Travels with its request; called from any thread; must not block. Exactly once, unless the
// request accepts_many: then in order, never two at a time, until an error or a final response.
using InferResponder = std::move_only_function<void(Result<InferResponse>)>;

}  // namespace sarai
