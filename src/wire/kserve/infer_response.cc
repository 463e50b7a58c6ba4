// InferResponse -> JSON and, behind it, the binary tensors.
#include <algorithm>

#include "wire/json/text.h"
#include "wire/kserve/classification.h"
#include "wire/kserve/json_elements.h"
#include "wire/kserve/kserve.h"

namespace sarai::kserve {
namespace {

// ---- the response around them

void AppendParameters(std::string& out, const Parameters& parameters) {
  out += R"(,"parameters":{)";
  for (const auto& [name, value] : parameters) {
    if (out.back() != '{') out += ',';
    json::AppendString(out, name);
    out += ':';
    AppendJsonParameter(out, value);
  }
  out += '}';
}

void AppendHead(std::string& out, const InferResponse& response) {
  out += R"({"model_name":)";
  json::AppendString(out, json::ToValidUtf8(response.model));
  out += R"(,"model_version":)";
  json::AppendString(out, json::ToValidUtf8(response.version));
  if (!response.id.empty()) {
    out += R"(,"id":)";
    json::AppendString(out, json::ToValidUtf8(response.id));
  }
  if (!response.parameters.empty()) AppendParameters(out, response.parameters);
  out += R"(,"outputs":[)";
}

void AppendShape(std::string& out, const Shape& shape) {
  out += '[';
  for (const int64_t dim : shape) {
    if (out.back() != '[') out += ',';
    json::AppendNumber(out, dim);
  }
  out += ']';
}

// How the client wants one output.
RequestedOutput Wanted(const InferRequest& request, const std::string& name) {
  const auto found = std::ranges::find(request.outputs, name, &RequestedOutput::name);
  RequestedOutput wanted;
  if (found == request.outputs.end()) {
    wanted.binary = request.binary_outputs;
  } else {
    wanted.binary = found->binary;
    wanted.classification = found->classification;
    wanted.shared_memory = found->shared_memory;
  }
  wanted.binary = wanted.binary || request.raw_input;
  return wanted;
}

class ResponseEncoder {
 public:
  Status Add(const Tensor& tensor, bool binary) {
    AddHead(tensor);
    if (binary) {
      AddBinary(tensor);
      return {};
    }
    json_ += R"(,"data":[)";
    SARAI_CHECK_OK(AppendJsonElements(json_, tensor, OddText::kRefuse));
    json_ += "]}";
    return {};
  }

  // Its bytes are in the client's memory already. As in Triton, whose C++ client takes any
  // parameters for those of binary data, nothing more is said of it.
  void AddShared(const Tensor& tensor) {
    AddHead(tensor);
    json_ += '}';
  }

  std::string& json() { return json_; }

  EncodedResponse Finish() {
    json_ += "]}";
    EncodedResponse encoded{.json_size = json_.size(), .binary = any_binary_};
    encoded.body.push_back(Blob::FromString(std::move(json_)));
    for (Blob& tensor : binary_) encoded.body.push_back(std::move(tensor));
    return encoded;
  }

 private:
  void AddHead(const Tensor& tensor) {
    if (!json_.ends_with('[')) json_ += ',';
    json_ += R"({"name":)";
    json::AppendString(json_, json::ToValidUtf8(tensor.name));
    json_ += R"(,"datatype":")";
    json_ += DataTypeName(tensor.type);
    json_ += R"(","shape":)";
    AppendShape(json_, tensor.shape);
  }

  void AddBinary(const Tensor& tensor) {
    json_ += R"(,"parameters":{"binary_data_size":)";
    json::AppendNumber(json_, tensor.data.size());
    json_ += "}}";
    any_binary_ = true;
    if (!tensor.data.empty()) binary_.push_back(tensor.data);
  }

  std::string json_;
  std::vector<Blob> binary_;
  bool any_binary_ = false;
};

Status AddOutput(const Tensor& tensor, const RequestedOutput& wanted, const EncodeOptions& options,
                 ResponseEncoder& encoder) {
  if (wanted.shared_memory) {
    encoder.AddShared(tensor);
    return {};
  }
  if (wanted.classification == 0) return encoder.Add(tensor, wanted.binary);
  const auto classified = Classify(tensor, wanted.classification, options);
  if (!classified) return classified.error();
  return encoder.Add(*classified, wanted.binary);
}

}  // namespace

Result<EncodedResponse> EncodeInferResponse(const InferResponse& response,
                                            const InferRequest& request,
                                            const EncodeOptions& options) {
  ResponseEncoder encoder;
  AppendHead(encoder.json(), response);
  for (const Tensor& tensor : response.outputs) {
    const Status status = AddOutput(tensor, Wanted(request, tensor.name), options, encoder);
    if (!status.ok()) return Error(status.WithContext(fmt::format("output '{}'", tensor.name)));
  }
  return encoder.Finish();
}

}  // namespace sarai::kserve
