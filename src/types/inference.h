// One inference, on its way in and on its way out.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/status.h"
#include "types/tensor.h"

namespace sarai {

using Parameter = std::variant<bool, int64_t, uint64_t, double, std::string>;
using Parameters = std::map<std::string, Parameter, std::less<>>;

struct RequestedOutput {
  std::string name;
  bool binary = false;          // raw bytes after the JSON header instead of JSON numbers
  uint32_t classification = 0;  // top-k as "value:index[:label]" strings; 0 = off
  Parameters parameters;
};

struct InferRequest {
  std::string model;    // the engine's name for it
  std::string version;  // empty = the one the version policy picks
  std::string id;       // echoed; may be empty
  std::vector<Tensor> inputs;
  std::vector<RequestedOutput> outputs;  // empty = all of the model's
  bool binary_outputs = false;           // the default for outputs that do not say
  bool raw_input = false;  // one unnamed tensor of raw bytes: name, type, shape come from the model
  Parameters parameters;
  uint64_t priority = 0;                  // 0 = the model's default
  TimePoint deadline = TimePoint::max();  // when the caller stops waiting
};

struct InferResponse {
  std::string model;
  std::string version;
  std::string id;
  Parameters parameters;
  std::vector<Tensor> outputs;
};

// Travels with its request and is called exactly once, from any thread; must not block.
using InferResponder = std::move_only_function<void(Result<InferResponse>)>;

}  // namespace sarai
