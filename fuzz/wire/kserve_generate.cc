// A generate request for a model of several types; what it says is told back as an answer.
#include "fuzz/fuzz.h"
#include "fuzz/wire/inference.h"
#include "wire/json/json.h"
#include "wire/json/text.h"
#include "wire/kserve/generate.h"

namespace sarai::fuzz {
namespace {

constexpr kserve::ParseOptions kLimits = {
    .max_json_bytes = 1 << 16, .max_json_depth = 20, .max_tensors = 8, .max_parameters = 8};

const ModelSpec& Spec() {
  static const ModelSpec spec = {
      .name = "m",
      .max_batch_size = 4,
      .inputs = {{.name = "text", .type = DataType::kBytes, .dims = {1}},
                 {.name = "flags", .type = DataType::kBool, .dims = {-1}},
                 {.name = "pairs", .type = DataType::kInt16, .dims = {-1, 2}},
                 {.name = "large", .type = DataType::kUint64, .dims = {}},
                 {.name = "half", .type = DataType::kFp16, .dims = {-1}}}};
  return spec;
}

void ExpectTold(const InferRequest& request) {
  InferResponse response{.model = "m",
                         .version = "1",
                         .id = request.id,
                         .parameters = request.parameters,
                         .outputs = request.inputs};
  const auto told = kserve::EncodeGenerateResponse(response);
  if (!ExpectAnswer(told)) return;
  FUZZ_EXPECT(json::IsValidUtf8(*told));
  const auto object = json::ParseObject(*told, {.max_bytes = SIZE_MAX});
  FUZZ_EXPECT(object.has_value(), "{}", *told);
  FUZZ_EXPECT(object->contains("model_name"), "{}", *told);
}

void Run(Input input) {
  const auto request = kserve::ParseGenerateRequest(input.rest(), Spec(), kLimits);
  if (!ExpectAnswer(request)) return;
  FUZZ_EXPECT(request->inputs.size() <= Spec().inputs.size());
  FUZZ_EXPECT(request->parameters.size() <= kLimits.max_parameters);
  ExpectWholeTensors(*request);
  ExpectTold(*request);
}

}  // namespace
}  // namespace sarai::fuzz

FUZZ_TARGET(sarai::fuzz::Run)
