// Why a request of a sequence is not taken, in Triton's words. Pure.
#pragma once

#include <string>

#include "base/status.h"
#include "engine/pending.h"
#include "policy/sequence.h"
#include "types/model_spec.h"

namespace sarai::engine {

std::string TextOf(const CorrelationId& id);

// kInvalidArgument; ok when the verdict is no refusal.
Status RefusalOf(policy::SequenceVerdict verdict, const ModelSpec& spec,
                 const PendingRequest& pending);

}  // namespace sarai::engine
