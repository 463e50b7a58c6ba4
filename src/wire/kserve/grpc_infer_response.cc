// InferResponse -> ModelInferResponse, and what goes into a stream.
#include <algorithm>

#include "wire/json/text.h"
#include "wire/kserve/classification.h"
#include "wire/kserve/grpc_codec.h"
#include "wire/kserve/protobuf_writer.h"

namespace sarai::kserve::grpc {

void WriteParameter(std::string& out, uint32_t number, std::string_view key,
                    const Parameter& value) {
  std::string choice;
  if (const auto* flag = std::get_if<bool>(&value)) {
    WriteTag(choice, 1, 0);
    WriteVarint(choice, *flag ? 1 : 0);
  } else if (const auto* integer = std::get_if<int64_t>(&value)) {
    WriteTag(choice, 2, 0);
    WriteVarint(choice, static_cast<uint64_t>(*integer));
  } else if (const auto* text = std::get_if<std::string>(&value)) {
    WriteBytes(choice, 3, json::ToValidUtf8(*text));
  } else if (const auto* real = std::get_if<double>(&value)) {
    WriteTag(choice, 4, 1);
    for (int i = 0; i < 8; ++i)
      choice += static_cast<char>((std::bit_cast<uint64_t>(*real) >> (8 * i)) & 0xFF);
  } else {
    WriteTag(choice, 5, 0);
    WriteVarint(choice, std::get<uint64_t>(value));
  }
  std::string entry;
  WriteBytes(entry, 1, key);
  WriteBytes(entry, 2, choice);
  WriteBytes(out, number, entry);
}

void WriteParameters(std::string& out, uint32_t number, const Parameters& parameters) {
  for (const auto& [key, value] : parameters) WriteParameter(out, number, key, value);
}

void WriteTensorHead(std::string& tensor, const Tensor& output) {
  WriteText(tensor, 1, json::ToValidUtf8(output.name));
  WriteText(tensor, 2, DataTypeName(output.type));
  WriteShape(tensor, 3, output.shape);
}

void WriteSharedMemory(std::string& out, uint32_t number, const SharedMemoryUse& place) {
  WriteParameter(out, number, "shared_memory_region", place.region);
  WriteParameter(out, number, "shared_memory_byte_size", static_cast<int64_t>(place.byte_size));
  if (place.offset > 0)
    WriteParameter(out, number, "shared_memory_offset", static_cast<int64_t>(place.offset));
}

namespace {

class ResponseWriter {
 public:
  void Head(const InferResponse& response) {
    std::string& out = parts_.text();
    WriteText(out, 1, json::ToValidUtf8(response.model));
    WriteText(out, 2, json::ToValidUtf8(response.version));
    WriteText(out, 3, json::ToValidUtf8(response.id));
    WriteParameters(out, 4, response.parameters);
  }
  void Final(bool final) { WriteParameter(parts_.text(), 4, kFinalResponse, final); }

  void Output(const Tensor& output, const RequestedOutput* wanted) {
    std::string tensor;
    WriteTensorHead(tensor, output);
    const bool shared = wanted != nullptr && wanted->shared_memory;
    if (shared) {
      SharedMemoryUse place = *wanted->shared_memory;
      place.byte_size = output.data.size();
      WriteSharedMemory(tensor, 4, place);
    }
    WriteBytes(parts_.text(), 5, tensor);
    raw_.push_back(shared ? Blob() : output.data);
  }

  std::vector<Blob> Finish(bool in_stream) {
    for (const Blob& raw : raw_) parts_.AddBlob(6, raw);
    std::string head;
    if (in_stream) {
      WriteTag(head, 2, 2);
      WriteVarint(head, parts_.size());
    }
    return parts_.Finish(std::move(head));
  }

 private:
  PartsWriter parts_;
  std::vector<Blob> raw_;
};

const RequestedOutput* Wanted(const InferRequest& request, const std::string& name) {
  const auto found = std::ranges::find(request.outputs, name, &RequestedOutput::name);
  return found == request.outputs.end() ? nullptr : &*found;
}

}  // namespace

Result<std::vector<Blob>> EncodeInferResponse(const InferResponse& response,
                                              const InferRequest& request,
                                              const EncodeOptions& options, bool in_stream) {
  ResponseWriter writer;
  writer.Head(response);
  if (in_stream) writer.Final(response.final);
  for (const Tensor& output : response.outputs) {
    const RequestedOutput* const wanted = Wanted(request, output.name);
    if (wanted == nullptr || wanted->classification == 0) {
      writer.Output(output, wanted);
      continue;
    }
    const auto classes = Classify(output, wanted->classification, options);
    if (!classes)
      return Error(classes.error().WithContext(fmt::format("output '{}'", output.name)));
    writer.Output(*classes, wanted);
  }
  return writer.Finish(in_stream);
}

std::vector<Blob> EncodeStreamError(std::string_view message, const std::string& model,
                                    const std::string& id, bool final) {
  std::string response;
  WriteText(response, 1, json::ToValidUtf8(model));
  WriteText(response, 3, json::ToValidUtf8(id));
  WriteParameter(response, 4, kFinalResponse, final);
  std::string out;
  WriteText(out, 1, json::ToValidUtf8(message));
  WriteBytes(out, 2, response);
  return {Blob::FromString(std::move(out))};
}

}  // namespace sarai::kserve::grpc
