// The client's side: InferRequest -> ModelInferRequest, ModelInferResponse -> InferResponse.
#include <algorithm>
#include <chrono>

#include "wire/kserve/grpc_codec.h"
#include "wire/kserve/grpc_parameters.h"
#include "wire/kserve/protobuf_reader.h"
#include "wire/kserve/protobuf_writer.h"

namespace sarai::kserve::grpc {
namespace {

void WriteRequestParameters(std::string& out, const InferRequest& request) {
  WriteParameters(out, 4, request.parameters);
  if (request.priority > 0) WriteParameter(out, 4, "priority", request.priority);
  if (request.timeout.count() > 0)
    WriteParameter(out, 4, "timeout",
                   int64_t{std::chrono::ceil<std::chrono::microseconds>(request.timeout).count()});
  if (!HasSequence(request.sequence)) return;
  if (const auto* const number = std::get_if<uint64_t>(&request.sequence))
    WriteParameter(out, 4, "sequence_id", static_cast<int64_t>(*number));
  else
    WriteParameter(out, 4, "sequence_id", std::get<std::string>(request.sequence));
  WriteParameter(out, 4, "sequence_start", request.sequence_start);
  WriteParameter(out, 4, "sequence_end", request.sequence_end);
}

void WriteInput(std::string& out, const Tensor& input, const InferRequest& request) {
  std::string tensor;
  WriteTensorHead(tensor, input);
  const auto shared = request.shared_inputs.find(input.name);
  if (shared != request.shared_inputs.end()) WriteSharedMemory(tensor, 4, shared->second);
  WriteBytes(out, 5, tensor);
}

void WriteRequestedOutput(std::string& out, const RequestedOutput& output) {
  std::string wanted;
  WriteText(wanted, 1, output.name);
  if (output.classification > 0)
    WriteParameter(wanted, 2, "classification", int64_t{output.classification});
  if (output.shared_memory) WriteSharedMemory(wanted, 2, *output.shared_memory);
  WriteBytes(out, 6, wanted);
}

// `bytes` lie inside the message.
Blob PartOf(const Blob& message, std::string_view bytes) {
  return message.Slice(static_cast<size_t>(bytes.data() - message.text().data()), bytes.size());
}

Status ReadOutputField(const ProtobufField& field, Tensor& tensor) {
  if (field.number == 3) {
    const bool good = ForEachNumber(
        field, 0, [&](uint64_t dim) { tensor.shape.push_back(static_cast<int64_t>(dim)); });
    return good ? Status() : Status(Code::kInvalidArgument, "an output's shape is malformed");
  }
  if (field.wire_type != 2) return {};
  if (field.number == 1) tensor.name = field.bytes;
  if (field.number == 2) tensor.type = ParseDataTypeName(field.bytes).value_or(DataType::kInvalid);
  return {};
}

Status ReadResponseField(const ProtobufField& field, const Blob& message, InferResponse& response,
                         std::vector<Blob>& raw) {
  if (field.wire_type != 2) return {};
  switch (field.number) {
    case 1: response.model = field.bytes; return {};
    case 2: response.version = field.bytes; return {};
    case 3: response.id = field.bytes; return {};
    case 4: {
      SARAI_TRY(ParameterEntry entry, ReadParameter(field.bytes));
      response.parameters.insert_or_assign(std::move(entry.key), std::move(entry.value));
      return {};
    }
    case 5:
      return ForEachField(field.bytes, "an output",
                          [&tensor = response.outputs.emplace_back()](const ProtobufField& inner) {
                            return ReadOutputField(inner, tensor);
                          });
    case 6: raw.push_back(PartOf(message, field.bytes)); return {};
    default: return {};
  }
}

}  // namespace

std::vector<Blob> EncodeInferRequest(const InferRequest& request) {
  PartsWriter parts;
  std::string& out = parts.text();
  WriteText(out, 1, request.model);
  WriteText(out, 2, request.version);
  WriteText(out, 3, request.id);
  WriteRequestParameters(out, request);
  for (const Tensor& input : request.inputs) WriteInput(out, input, request);
  for (const RequestedOutput& output : request.outputs) WriteRequestedOutput(out, output);
  for (const Tensor& input : request.inputs)
    if (!request.shared_inputs.contains(input.name)) parts.AddBlob(7, input.data);
  return parts.Finish();
}

Result<InferResponse> ParseInferResponse(const Blob& message) {
  InferResponse response;
  std::vector<Blob> raw;
  SARAI_CHECK_OK(ForEachField(message.text(), "the response", [&](const ProtobufField& field) {
    return ReadResponseField(field, message, response, raw);
  }));
  for (size_t i = 0; i < std::min(raw.size(), response.outputs.size()); ++i)
    response.outputs[i].data = std::move(raw[i]);
  const auto final = response.parameters.find(kFinalResponse);
  if (final != response.parameters.end())
    if (const auto* const last = std::get_if<bool>(&final->second)) response.final = *last;
  return response;
}

Result<InferResponse> ParseStreamResponse(const Blob& message) {
  InferResponse response;
  std::string failure;
  SARAI_CHECK_OK(
      ForEachField(message.text(), "the response", [&](const ProtobufField& field) -> Status {
        if (field.wire_type == 2 && field.number == 1) failure = field.bytes;
        if (field.wire_type != 2 || field.number != 2) return {};
        SARAI_TRY(response, ParseInferResponse(PartOf(message, field.bytes)));
        return {};
      }));
  if (!failure.empty()) response.error = Status(Code::kInternal, std::move(failure));
  return response;
}

}  // namespace sarai::kserve::grpc
