// A ModelInferRequest. Where our reader takes a message, protobuf's own reads the same from it.
#include "fuzz/fuzz.h"
#include "fuzz/wire/inference.h"
#include "grpc_service.pb.h"
#include "wire/kserve/grpc_codec.h"
#include "wire/kserve/protobuf_message.h"

namespace sarai::fuzz {
namespace {

constexpr kserve::ParseOptions kLimits = {
    .max_json_bytes = 1 << 20, .max_tensors = 8, .max_parameters = 8};

void ExpectViewsOrCopies(const InferRequest& request, const Blob& message) {
  uint64_t copied = 0;
  for (const Tensor& tensor : request.inputs)
    if (!LiesWithin(tensor.data.text(), message.text())) copied += tensor.data.size();
  FUZZ_EXPECT(copied <= kLimits.max_json_bytes + message.size());
}

// Protobuf refuses more than we do (text that is no UTF-8), never less.
void ExpectAgreement(const InferRequest& request, const Blob& message) {
  const auto theirs = kserve::grpc::Parse<inference::ModelInferRequest>(message);
  if (!theirs) return;
  FUZZ_EXPECT(theirs->model_name() == request.model);
  FUZZ_EXPECT(theirs->model_version() == request.version);
  FUZZ_EXPECT(theirs->id() == request.id);
  FUZZ_EXPECT(static_cast<size_t>(theirs->inputs_size()) == request.inputs.size());
  FUZZ_EXPECT(static_cast<size_t>(theirs->outputs_size()) == request.outputs.size());
  for (int i = 0; i < theirs->inputs_size(); ++i) {
    FUZZ_EXPECT(theirs->inputs(i).name() == request.inputs[i].name);
    FUZZ_EXPECT(std::ranges::equal(theirs->inputs(i).shape(), request.inputs[i].shape));
  }
}

void Run(Input input) {
  const Blob message = input.RestAsBlob();
  const std::string id = kserve::grpc::RequestIdOf(message);
  const auto parsed = kserve::grpc::ParseInferRequest(message, kLimits);
  if (!ExpectAnswer(parsed)) return;
  const InferRequest& request = parsed->request;
  FUZZ_EXPECT(request.id == id);
  FUZZ_EXPECT(request.inputs.size() <= kLimits.max_tensors);
  FUZZ_EXPECT(request.outputs.size() <= kLimits.max_tensors);
  FUZZ_EXPECT(request.parameters.size() <= kLimits.max_parameters);
  ExpectWholeTensors(request);
  ExpectViewsOrCopies(request, message);
  ExpectAgreement(request, message);
  ExpectSameOverGrpc(request);
}

}  // namespace
}  // namespace sarai::fuzz

FUZZ_TARGET(sarai::fuzz::Run)
