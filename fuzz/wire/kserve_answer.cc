// An answer's tensors on their way out: a line "TYPE DIMS… [top N]", then the bytes. As JSON they
// read back as they were.
#include <cmath>
#include <sstream>

#include "base/strings.h"
#include "fuzz/fuzz.h"
#include "fuzz/wire/inference.h"
#include "wire/json/json.h"
#include "wire/json/text.h"
#include "wire/kserve/kserve.h"

namespace sarai::fuzz {
namespace {

struct Wish {
  Tensor tensor;
  uint32_t classes = 0;
};

Wish ReadWish(std::string_view line, Blob data) {
  Wish wish{.tensor = {.name = "y\"\n\xC3\xA4", .data = std::move(data)}};
  std::istringstream words{std::string(line)};
  std::string word;
  words >> word;
  wish.tensor.type = ParseDataTypeName(word).value_or(DataType::kInvalid);
  while (words >> word) {
    if (word == "top") words >> wish.classes;
    const auto dim = ParseInt(word);
    if (dim && wish.tensor.shape.size() < 8) wish.tensor.shape.push_back(*dim);
  }
  return wish;
}

// -0.0 and each NaN have one text only; BOOL has two values.
bool ReadsBackExactly(const Tensor& tensor) {
  if (tensor.type == DataType::kFp16 || tensor.type == DataType::kBf16) return false;
  const auto bytes = tensor.data.bytes();
  const auto finite = [bytes]<typename T>(T) {
    for (size_t i = 0; i + sizeof(T) <= bytes.size(); i += sizeof(T)) {
      T value;
      std::memcpy(&value, bytes.data() + i, sizeof(T));
      if (std::isnan(value)) return false;
    }
    return true;
  };
  if (tensor.type == DataType::kFp32) return finite(float());
  if (tensor.type == DataType::kFp64) return finite(double());
  if (tensor.type == DataType::kBool)
    return std::ranges::all_of(bytes, [](std::byte b) { return b <= std::byte{1}; });
  return true;
}

std::string Text(const kserve::EncodedResponse& encoded) { return Join(encoded.body); }

// The answer's outputs, taken for a request's inputs.
void ExpectReadsBack(const Tensor& tensor, const kserve::EncodedResponse& encoded) {
  std::string text = Text(encoded);
  const size_t at = text.find("\"outputs\":");
  FUZZ_EXPECT(at != std::string::npos);
  const std::string head = "{\"inputs\":";
  const size_t cut = at + std::string_view("\"outputs\":").size();
  const size_t json_size = encoded.json_size - cut + head.size();
  const Blob body = Blob::FromString(head + text.substr(cut));
  const auto request = kserve::ParseInferRequest(body, json_size, {});
  FUZZ_EXPECT(request.has_value(), "{}: {}", request.error().message(), text);
  ExpectSame({tensor}, request->inputs);
}

void Run(Input input) {
  const std::string_view line = input.Line();
  const Wish wish = ReadWish(line, input.RestAsBlob());
  if (!CheckTensorBytes(wish.tensor).ok()) return;
  InferResponse response{.model = "m", .version = "1", .id = "i", .outputs = {wish.tensor}};
  InferRequest request;
  request.outputs.push_back({.name = wish.tensor.name, .classification = wish.classes});
  const auto json = kserve::EncodeInferResponse(response, request);
  if (ExpectAnswer(json)) {
    FUZZ_EXPECT(json->json_size == Text(*json).size());
    if (wish.classes == 0 && ReadsBackExactly(wish.tensor)) ExpectReadsBack(wish.tensor, *json);
    if (wish.classes > 0) FUZZ_EXPECT(json::Parse(Text(*json)).has_value(), "{}", Text(*json));
  }
  request.outputs[0].binary = true;
  const auto binary = kserve::EncodeInferResponse(response, request);
  if (!ExpectAnswer(binary)) return;
  FUZZ_EXPECT(json::Parse(Text(*binary).substr(0, binary->json_size)).has_value());
  if (wish.classes == 0) ExpectReadsBack(wish.tensor, *binary);
  ExpectAnswer(kserve::grpc::EncodeInferResponse(response, request, {}, true));
}

}  // namespace
}  // namespace sarai::fuzz

FUZZ_TARGET(sarai::fuzz::Run)
