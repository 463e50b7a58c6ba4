// What a request must be read for before it is known who answers it: the model's name and, where it
// belongs to a sequence, which. Tensors are passed over.
#pragma once

#include <string>
#include <string_view>

#include "base/blob.h"
#include "base/status.h"

namespace sarai::kserve {

struct SequenceUse {
  std::string id;  // a number's digits, or the text; empty = none
  bool ends = false;
};
// Of an inference's JSON part. One that cannot be read has none: who answers it will say why.
SequenceUse SequenceOf(std::string_view json);

namespace grpc {

struct RoutingFields {
  std::string model;
  std::string request_id;
  SequenceUse sequence;
};
// Of a ModelInferRequest. Errors: kInvalidArgument, for what is no message.
Result<RoutingFields> ReadRoutingFields(const Blob& message);

// The name that a management message gives: its text field of that number; empty = none.
Result<std::string> ReadTextField(const Blob& message, uint32_t number);

// Of a ModelStreamInferResponse: whether its request gets no other.
bool IsFinalInStream(const Blob& message);

}  // namespace grpc
}  // namespace sarai::kserve
