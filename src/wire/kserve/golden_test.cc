// Requests as real clients send them (tests/golden/kserve/requests/*.bin, made by tritonclient and
// by json.dumps) against what they must be read as (*.txt); and one response, byte by byte.
#include "wire/golden.h"

#include <cstring>

#include <gtest/gtest.h>

#include "base/hex.h"
#include "base/strings.h"
#include "wire/kserve/kserve.h"

namespace sarai::kserve {
namespace {

std::string Text(const Parameter& parameter) {
  if (const auto* flag = std::get_if<bool>(&parameter)) return *flag ? "true" : "false";
  if (const auto* text = std::get_if<std::string>(&parameter)) return '"' + *text + '"';
  if (const auto* number = std::get_if<int64_t>(&parameter)) return fmt::format("int {}", *number);
  if (const auto* number = std::get_if<double>(&parameter))
    return fmt::format("double {}", *number);
  return fmt::format("uint {}", std::get<uint64_t>(parameter));
}

std::string Summary(const Result<InferRequest>& request) {
  if (!request) return request.error().ToString() + "\n";
  std::string text =
      fmt::format("id '{}' priority {} timeout {} us binary_outputs {} raw_input {}\n", request->id,
                  request->priority, request->timeout / std::chrono::microseconds(1),
                  request->binary_outputs, request->raw_input);
  if (const auto* number = std::get_if<uint64_t>(&request->sequence))
    text += fmt::format("sequence {} start {} end {}\n", *number, request->sequence_start,
                        request->sequence_end);
  for (const auto& [name, value] : request->parameters)
    text += fmt::format("parameter {} = {}\n", name, Text(value));
  for (const Tensor& input : request->inputs)
    text += fmt::format("input '{}' {} {} {}\n", input.name, DataTypeName(input.type),
                        ShapeText(input.shape), HexEncode(input.data.bytes()));
  for (const RequestedOutput& output : request->outputs)
    text += fmt::format("output '{}' binary {} classification {}\n", output.name, output.binary,
                        output.classification);
  return text;
}

TEST(GoldenRequests, AreReadAsTheirTranscriptsSay) {
  const auto files = golden::Files("kserve/requests", ".bin");
  ASSERT_GE(files.size(), 6u);
  for (const auto& file : files) {
    const std::string size(Trim(golden::ReadBeside(file, ".json_size")));
    std::optional<size_t> json_size;
    if (size != "whole") json_size = ParseInt(size).value();
    const auto request = ParseInferRequest(Blob::FromString(golden::Read(file)), json_size, {});
    EXPECT_EQ(Summary(request), golden::ReadBeside(file, ".txt")) << file;
  }
}

InferResponse MixedResponse() {
  const std::vector<float> logits = {0.25f, -1, 3};
  const std::vector<uint16_t> half = {0x3C00, 0xBC00};
  return {.model = "resnet",
          .version = "1",
          .id = "r1",
          .outputs = {
              {"OUTPUT__0", DataType::kFp32, {1, 3}, Blob::Copy(std::as_bytes(std::span(logits)))},
              {"half", DataType::kFp16, {2}, Blob::Copy(std::as_bytes(std::span(half)))},
              {"top", DataType::kFp32, {1, 3}, Blob::Copy(std::as_bytes(std::span(logits)))}}};
}

TEST(GoldenResponse, IsWrittenByteByByte) {
  InferRequest request;
  request.outputs = {{.name = "OUTPUT__0"},
                     {.name = "half", .binary = true},
                     {.name = "top", .classification = 2}};
  const auto encoded = EncodeInferResponse(MixedResponse(), request);
  ASSERT_TRUE(encoded);
  std::string bytes;
  for (const Blob& part : encoded->body) bytes += part.text();
  const auto file = golden::Folder("kserve/responses") / "mixed.bin";
  EXPECT_EQ(bytes, golden::Read(file));
  EXPECT_EQ(std::to_string(encoded->json_size), Trim(golden::ReadBeside(file, ".json_size")));
}

}  // namespace
}  // namespace sarai::kserve
