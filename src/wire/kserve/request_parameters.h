// A request's parameters, whatever they travelled in: those with a meaning go to their members.
// Source: Triton docs/protocol/extension_{parameters,sequence,schedule_policy}.md.
#pragma once

#include <string_view>

#include "base/status.h"
#include "types/inference.h"

namespace sarai::kserve {

// priority, timeout (µs), sequence_id, sequence_start and sequence_end are checked and go to their
// members; others are kept by name. Names that begin with "triton_" are refused; so is a name that
// comes twice. Errors: kInvalidArgument.
Status SetRequestParameter(std::string_view key, Parameter value, size_t max_parameters,
                           InferRequest& request);

}  // namespace sarai::kserve
