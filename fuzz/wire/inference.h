// Promises about inference requests and answers, whatever they were read from.
#pragma once

#include "fuzz/fuzz.h"
#include "types/inference.h"
#include "wire/json/text.h"
#include "wire/kserve/grpc_codec.h"

namespace sarai::fuzz {

inline void ExpectWholeTensors(const InferRequest& request) {
  for (const Tensor& tensor : request.inputs) {
    if (request.shared_inputs.contains(tensor.name)) {
      FUZZ_EXPECT(tensor.data.empty());
      continue;
    }
    const Status status = CheckTensorBytes(tensor);
    FUZZ_EXPECT(status.ok(), "{}", status.message());
  }
}

inline void ExpectSame(const Tensor& a, const Tensor& b) {
  FUZZ_EXPECT(a.name == b.name, "'{}', '{}'", a.name, b.name);
  FUZZ_EXPECT(a.type == b.type);
  FUZZ_EXPECT(a.shape == b.shape, "{}, {}", ShapeText(a.shape), ShapeText(b.shape));
  FUZZ_EXPECT(a.data.text() == b.data.text());
}

inline void ExpectSame(const std::vector<Tensor>& a, const std::vector<Tensor>& b) {
  FUZZ_EXPECT(a.size() == b.size());
  for (size_t i = 0; i < a.size(); ++i) ExpectSame(a[i], b[i]);
}

// What a client would send for this request over gRPC says the same.
inline void ExpectSameOverGrpc(const InferRequest& request) {
  // Not every name that JSON has is one over gRPC.
  const auto is_name = [](const auto& named) {
    return !named.name.empty() && json::IsValidUtf8(named.name);
  };
  if (!std::ranges::all_of(request.inputs, is_name)) return;
  if (!std::ranges::all_of(request.outputs, is_name)) return;
  const Blob message = Blob::FromString(Join(kserve::grpc::EncodeInferRequest(request)));
  const auto parsed = kserve::grpc::ParseInferRequest(message, {.max_tensors = 8192});
  FUZZ_EXPECT(parsed.has_value(), "{}", parsed.error().message());
  const InferRequest& again = parsed->request;
  ExpectSame(request.inputs, again.inputs);
  FUZZ_EXPECT(request.id == again.id);
  FUZZ_EXPECT(request.outputs.size() == again.outputs.size());
  for (size_t i = 0; i < request.outputs.size(); ++i) {
    FUZZ_EXPECT(request.outputs[i].name == again.outputs[i].name);
    FUZZ_EXPECT(request.outputs[i].classification == again.outputs[i].classification);
  }
  FUZZ_EXPECT(request.parameters.size() == again.parameters.size());
  FUZZ_EXPECT(request.priority == again.priority);
  FUZZ_EXPECT(request.timeout == again.timeout);
  FUZZ_EXPECT(HasSequence(request.sequence) == HasSequence(again.sequence));
}

}  // namespace sarai::fuzz
