// An inference request over HTTP: how long its JSON part is said to be ("-" = nothing is said) in
// the first line, then the body.
#include "base/strings.h"
#include "fuzz/fuzz.h"
#include "fuzz/wire/inference.h"
#include "wire/kserve/grpc_codec.h"
#include "wire/kserve/kserve.h"

namespace sarai::fuzz {
namespace {

constexpr kserve::ParseOptions kLimits = {
    .max_json_bytes = 1 << 20, .max_json_depth = 20, .max_tensors = 8, .max_parameters = 8};

std::optional<size_t> JsonSize(std::string_view header, size_t body_size) {
  http::Headers headers;
  headers.Add("inference-header-content-length", std::string(header));
  const auto size = kserve::JsonSizeFromHeaders(headers, body_size);
  if (!ExpectAnswer(size)) return std::nullopt;
  if (*size) FUZZ_EXPECT(**size <= body_size);
  return *size;
}

void Run(Input input) {
  const std::string_view header = input.Line();
  const Blob body = input.RestAsBlob();
  const auto request = kserve::ParseInferRequest(body, JsonSize(header, body.size()), kLimits);
  if (!ExpectAnswer(request) || request->raw_input) return;
  FUZZ_EXPECT(request->inputs.size() <= kLimits.max_tensors);
  FUZZ_EXPECT(request->outputs.size() <= kLimits.max_tensors);
  FUZZ_EXPECT(request->parameters.size() <= kLimits.max_parameters);
  ExpectWholeTensors(*request);
  uint64_t expanded = 0;
  for (const Tensor& tensor : request->inputs)
    if (!LiesWithin(tensor.data.text(), body.text())) expanded += tensor.data.size();
  FUZZ_EXPECT(expanded <= kLimits.max_json_bytes + 8);
  ExpectSameOverGrpc(*request);
}

}  // namespace
}  // namespace sarai::fuzz

FUZZ_TARGET(sarai::fuzz::Run)
