#include "engine/sequence/refusals.h"

namespace sarai::engine {

std::string TextOf(const CorrelationId& id) {
  if (const auto* const text = std::get_if<std::string>(&id)) return *text;
  return std::to_string(std::get<uint64_t>(id));
}

Status RefusalOf(policy::SequenceVerdict verdict, const ModelSpec& spec,
                 const PendingRequest& pending) {
  switch (verdict) {
    case policy::SequenceVerdict::kNoId:
      return MakeStatus(Code::kInvalidArgument,
                        "inference request to model '{}' must specify a non-zero or non-empty "
                        "correlation ID (sequence_id)",
                        spec.name);
    case policy::SequenceVerdict::kBatchTooLarge:
      return MakeStatus(Code::kInvalidArgument,
                        "inference request to model '{}' must specify batch-size 1 due to "
                        "requirements of sequence batcher; got {}",
                        spec.name, pending.batch);
    case policy::SequenceVerdict::kNotStarted:
      return MakeStatus(Code::kInvalidArgument,
                        "inference request for sequence {} to model '{}' must specify the START "
                        "flag on the first request of the sequence",
                        TextOf(pending.request.sequence), spec.name);
    default: return {};
  }
}

}  // namespace sarai::engine
