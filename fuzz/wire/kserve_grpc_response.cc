// A ModelInferResponse and a ModelStreamInferResponse, as a client reads them.
#include "fuzz/fuzz.h"
#include "fuzz/wire/inference.h"
#include "wire/json/text.h"
#include "wire/kserve/grpc_codec.h"

namespace sarai::fuzz {
namespace {

bool HasPlainTexts(const InferResponse& response) {
  return json::IsValidUtf8(response.model) && json::IsValidUtf8(response.version) &&
         json::IsValidUtf8(response.id) &&
         std::ranges::all_of(response.outputs,
                             [](const Tensor& tensor) { return json::IsValidUtf8(tensor.name); });
}

// Written as a server writes it, it reads the same.
void ExpectSameAgain(const InferResponse& response, bool in_stream) {
  if (!HasPlainTexts(response)) return;
  const auto parts = kserve::grpc::EncodeInferResponse(response, {}, {}, in_stream);
  FUZZ_EXPECT(parts.has_value(), "{}", parts.error().message());
  const Blob message = Blob::FromString(Join(*parts));
  const auto again = in_stream ? kserve::grpc::ParseStreamResponse(message)
                               : kserve::grpc::ParseInferResponse(message);
  FUZZ_EXPECT(again.has_value(), "{}", again.error().message());
  FUZZ_EXPECT(again->model == response.model);
  FUZZ_EXPECT(again->version == response.version);
  FUZZ_EXPECT(again->id == response.id);
  FUZZ_EXPECT(!in_stream || again->final == response.final);
  ExpectSame(again->outputs, response.outputs);
}

void Run(Input input) {
  const Blob message = input.RestAsBlob();
  const auto response = kserve::grpc::ParseInferResponse(message);
  if (ExpectAnswer(response)) {
    for (const Tensor& output : response->outputs)
      FUZZ_EXPECT(LiesWithin(output.data.text(), message.text()));
    ExpectSameAgain(*response, false);
  }
  const auto streamed = kserve::grpc::ParseStreamResponse(message);
  if (ExpectAnswer(streamed)) ExpectSameAgain(*streamed, true);
}

}  // namespace
}  // namespace sarai::fuzz

FUZZ_TARGET(sarai::fuzz::Run)
