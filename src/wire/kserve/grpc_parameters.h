// What many messages of the gRPC form have: entries of map<string, InferParameter>, versions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/status.h"
#include "types/inference.h"

namespace sarai::kserve::grpc {

struct ParameterEntry {
  std::string key;
  Parameter value;
};
// One entry of the map. Errors: kInvalidArgument, also for an entry without a value.
Result<ParameterEntry> ReadParameter(std::string_view entry);

// kInvalidArgument.
Status WrongKind(std::string_view key, std::string_view expected);

// A request's parameter that has a meaning must be of its kind.
Status CheckRequestParameter(const ParameterEntry& entry);
// Clients hold ids and waits as unsigned numbers and send them as int64_param.
void MakeUnsigned(ParameterEntry& entry);

// A model's version: nothing, or a number greater than 0. Errors: kInvalidArgument.
Status CheckVersion(std::string_view version);

// A tensor's own parameters: takes those of shared memory and hands back the place they name, if
// any; `kept` gets the others.
class TensorParameters {
 public:
  // Errors: kInvalidArgument names the parameter.
  Status Add(ParameterEntry entry, size_t max_parameters, Parameters& kept);
  Result<std::optional<SharedMemoryUse>> SharedMemory() const;

 private:
  SharedMemoryUse use_;
  bool any_ = false, sized_ = false;
};

}  // namespace sarai::kserve::grpc
