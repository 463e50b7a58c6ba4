// The JSON part of an inference request -> InferRequest, in one pass over the text. Binary tensors
// stay where they lie in the body.
#include <algorithm>

#include "types/tensor.h"
#include "wire/kserve/json_parameters.h"
#include "wire/kserve/json_tensor.h"
#include "wire/kserve/kserve.h"

namespace sarai::kserve {
namespace {

// An input while its members come in, in any order.
struct InputDraft {
  std::optional<std::string> name;
  std::optional<DataType> type;
  std::optional<Shape> shape;
  std::optional<uint64_t> binary_data_size;
  std::optional<SharedMemoryUse> shared_memory;
  std::optional<JsonTensor> tensor;
  std::string_view untyped_data;  // `data` that came before `datatype`: read at the end
};

bool Repeats(const auto& items, std::string_view name) {
  return std::ranges::any_of(items, [&](const auto& item) { return item.name == name; });
}

class RequestParser {
 public:
  RequestParser(const Blob& body, size_t json_size, const ParseOptions& options)
      : body_(body), options_(options), json_size_(json_size), binary_at_(json_size) {}

  Result<InferRequest> Parse() {
    SARAI_CHECK_OK(ReadRequestObject(
        PaddedJson(body_.text().substr(0, json_size_), body_.size() - json_size_),
        [&](std::string_view key, ondemand::value value) { return ReadMember(key, value); }));
    return Finish();
  }

 private:
  Status ReadMember(std::string_view key, ondemand::value value) {
    if (key == "id") return ReadId(value);
    if (key == "parameters") return ReadRequestParameters(value, options_.max_parameters, request_);
    if (key == "inputs") {
      if (std::exchange(has_inputs_, true))
        return MakeStatus(Code::kInvalidArgument, "'inputs' is given twice");
      return ForEachElement(value, "'inputs'", [&](auto input) { return ReadInput(input); });
    }
    if (key == "outputs")
      return ForEachElement(value, "'outputs'", [&](auto output) { return ReadOutput(output); });
    return {};  // unknown members are no error
  }

  Status ReadId(ondemand::value value) {
    auto id = ReadString(value, "'id'");
    if (!id) return std::move(id).error();
    request_.id = std::move(*id);
    return {};
  }

  // ---- inputs

  Status ReadInput(ondemand::value value) {
    if (request_.inputs.size() >= options_.max_tensors)
      return MakeStatus(Code::kInvalidArgument, "more than {} inputs", options_.max_tensors);
    InputDraft draft;
    Status status = ForEachMember(value, "it", [&](std::string_view key, ondemand::value member) {
      return ReadInputMember(key, member, draft);
    });
    if (status.ok() && draft.name && Repeats(request_.inputs, *draft.name))
      return MakeStatus(Code::kInvalidArgument, "input '{}' already exists in request",
                        *draft.name);
    if (status.ok()) status = FinishInput(draft);
    if (status.ok()) return {};
    const auto context = draft.name ? fmt::format("input '{}'", *draft.name)
                                    : fmt::format("inputs[{}]", request_.inputs.size());
    return status.WithContext(context);
  }

  Status ReadInputMember(std::string_view key, ondemand::value value, InputDraft& draft) {
    if (key == "name") return ReadName(value, draft.name);
    if (key == "datatype") return ReadType(value, draft.type);
    if (key == "shape") return ReadShape(value, draft.shape);
    if (key == "data") return ReadData(value, draft);
    if (key != "parameters") return {};
    auto parameters = ReadInputParameters(value);
    if (!parameters) return std::move(parameters).error();
    draft.binary_data_size = parameters->binary_data_size;
    draft.shared_memory = std::move(parameters->shared_memory);
    return {};
  }

  static Status ReadName(ondemand::value value, std::optional<std::string>& name) {
    auto text = ReadString(value, "'name'");
    if (!text) return std::move(text).error();
    name = std::move(*text);
    return {};
  }

  static Status ReadType(ondemand::value value, std::optional<DataType>& type) {
    const auto text = ReadString(value, "'datatype'");
    if (!text) return text.error();
    type = ParseDataTypeName(*text);
    if (type && *type != DataType::kInvalid) return {};
    return MakeStatus(Code::kInvalidArgument,
                      "datatype '{}' is unknown: BOOL, UINT8, UINT16, UINT32, UINT64, INT8, INT16, "
                      "INT32, INT64, FP16, FP32, FP64, BF16 and BYTES are known",
                      *text);
  }

  static Status ReadShape(ondemand::value value, std::optional<Shape>& shape) {
    constexpr size_t kMaxRank = 64;
    Shape dims;
    SARAI_CHECK_OK(ForEachElement(value, "'shape'", [&](ondemand::value element) {
      int64_t dim = 0;
      if (const auto error = element.get_int64().get(dim))
        return NotA(error, "'shape'", "a list of integers");
      if (dim < 0)
        return MakeStatus(Code::kInvalidArgument, "shape has the negative dimension {}", dim);
      if (dims.size() >= kMaxRank)
        return MakeStatus(Code::kInvalidArgument, "shape has more than {} dimensions", kMaxRank);
      dims.push_back(dim);
      return Status();
    }));
    if (const auto count = ElementCount(dims); !count) return count.error();
    shape = std::move(dims);
    return {};
  }

  Status ReadData(ondemand::value value, InputDraft& draft) {
    if (draft.tensor || !draft.untyped_data.empty())
      return MakeStatus(Code::kInvalidArgument, "'data' is given twice");
    ondemand::array list;
    if (const auto error = value.get_array().get(list)) return NotA(error, "'data'", "a list");
    if (draft.type) return ReadTyped(list, draft);
    if (const auto error = list.raw_json().get(draft.untyped_data)) return Malformed(error);
    return {};
  }

  Status ReadTyped(ondemand::array list, InputDraft& draft) {
    // Two bytes of text at least are an element: never reserve for what cannot be there.
    const uint64_t most = json_size_ / 2 + 1;
    const uint64_t wanted = draft.shape ? static_cast<uint64_t>(*ElementCount(*draft.shape)) : 0;
    auto tensor = ReadJsonTensor(list, *draft.type,
                                 {.max_bytes = options_.max_json_bytes - expanded_bytes_,
                                  .max_depth = options_.max_json_depth,
                                  .depth = kDataDepth,
                                  .reserve = std::min(wanted, most)});
    if (!tensor) return std::move(tensor).error();
    expanded_bytes_ += std::min(tensor->data.size(), options_.max_json_bytes - expanded_bytes_);
    draft.tensor = std::move(*tensor);
    return {};
  }

  // `raw` lies inside the padded text, so its own padding is behind it.
  Status ReadUntyped(std::string_view raw, InputDraft& draft) {
    ondemand::parser parser;
    ondemand::document document;
    const simdjson::padded_string_view view(raw, raw.size() + simdjson::SIMDJSON_PADDING);
    if (const auto error = parser.iterate(view).get(document)) return Malformed(error);
    ondemand::array list;
    if (const auto error = document.get_array().get(list)) return Malformed(error);
    return ReadTyped(list, draft);
  }

  Status FinishInput(InputDraft& draft) {
    if (!draft.name) return MakeStatus(Code::kInvalidArgument, "'name' is missing");
    if (!draft.type) return MakeStatus(Code::kInvalidArgument, "'datatype' is missing");
    if (!draft.shape) return MakeStatus(Code::kInvalidArgument, "'shape' is missing");
    if (!draft.untyped_data.empty()) SARAI_CHECK_OK(ReadUntyped(draft.untyped_data, draft));
    if (draft.shared_memory) return FinishShared(draft);
    if (draft.tensor.has_value() == draft.binary_data_size.has_value())
      return MakeStatus(Code::kInvalidArgument, "it has {} 'data' {} 'binary_data_size'",
                        draft.tensor ? "both" : "neither", draft.tensor ? "and" : "nor");
    Tensor tensor{.name = std::move(*draft.name), .type = *draft.type, .shape = *draft.shape};
    const Status status =
        draft.tensor ? UseJson(*draft.tensor, tensor) : UseBinary(*draft.binary_data_size, tensor);
    draft.name = tensor.name;
    if (status.ok()) request_.inputs.push_back(std::move(tensor));
    return status;
  }

  Status FinishShared(InputDraft& draft) {
    if (draft.tensor || draft.binary_data_size)
      return MakeStatus(Code::kInvalidArgument, "it has data and a shared-memory region");
    request_.shared_inputs.emplace(*draft.name, std::move(*draft.shared_memory));
    request_.inputs.push_back({.name = *draft.name, .type = *draft.type, .shape = *draft.shape});
    return {};
  }

  static Status UseJson(const JsonTensor& data, Tensor& tensor) {
    const int64_t wanted = *ElementCount(tensor.shape);
    if (data.elements != wanted)
      return MakeStatus(Code::kInvalidArgument, "'data' holds {} elements, but shape {} needs {}",
                        data.elements, ShapeText(tensor.shape), wanted);
    tensor.data = data.data;
    return {};
  }

  Status UseBinary(uint64_t size, Tensor& tensor) {
    const size_t left = body_.size() - binary_at_;
    if (size > left)
      return MakeStatus(Code::kInvalidArgument,
                        "binary_data_size is {}, but only {} bytes are left in the body", size,
                        left);
    tensor.data = body_.Slice(binary_at_, size);
    binary_at_ += size;
    return CheckBinary(tensor);
  }

  // The same as CheckTensorBytes, whose message would name the tensor a second time.
  static Status CheckBinary(const Tensor& tensor) {
    const size_t element = ElementSize(tensor.type);
    const auto count = static_cast<uint64_t>(*ElementCount(tensor.shape));
    const size_t size = tensor.data.size();
    if (element == 0) return CheckBinaryBytes(tensor, count);
    if (size % element == 0 && size / element == count) return {};
    return MakeStatus(Code::kInvalidArgument,
                      "binary_data_size is {}, but {} of shape {} needs {} elements of {} bytes",
                      size, DataTypeName(tensor.type), ShapeText(tensor.shape), count, element);
  }

  static Status CheckBinaryBytes(const Tensor& tensor, uint64_t count) {
    const auto elements = BytesElements(tensor.data.bytes());
    if (!elements) return elements.error();
    if (elements->size() == count) return {};
    return MakeStatus(Code::kInvalidArgument,
                      "its binary data holds {} BYTES elements, but shape {} needs {}",
                      elements->size(), ShapeText(tensor.shape), count);
  }

  // ---- outputs

  Status ReadOutput(ondemand::value value) {
    if (request_.outputs.size() >= options_.max_tensors)
      return MakeStatus(Code::kInvalidArgument, "more than {} outputs", options_.max_tensors);
    std::optional<std::string> name;
    OutputParameters parameters;
    Status status = ForEachMember(value, "it", [&](std::string_view key, ondemand::value member) {
      if (key == "name") return ReadName(member, name);
      if (key != "parameters") return Status();
      auto read = ReadOutputParameters(member, options_.max_parameters);
      if (!read) return std::move(read).error();
      parameters = std::move(*read);
      return Status();
    });
    if (status.ok() && !name) status = MakeStatus(Code::kInvalidArgument, "'name' is missing");
    if (status.ok() && Repeats(request_.outputs, *name))
      return MakeStatus(Code::kInvalidArgument, "output '{}' already exists in request", *name);
    if (!status.ok())
      return status.WithContext(name ? fmt::format("output '{}'", *name)
                                     : fmt::format("outputs[{}]", request_.outputs.size()));
    request_.outputs.push_back({.name = std::move(*name),
                                .classification = parameters.classification,
                                .shared_memory = std::move(parameters.shared_memory),
                                .parameters = std::move(parameters.others)});
    output_binary_.push_back(parameters.binary_data);
    return {};
  }

  Result<InferRequest> Finish() {
    if (!has_inputs_) return Error(Code::kInvalidArgument, "'inputs' is missing");
    if (binary_at_ != body_.size())
      return Error(Code::kInvalidArgument,
                   "the body holds {} bytes behind the JSON and the {} that its inputs announce",
                   body_.size() - binary_at_, binary_at_ - json_size_);
    for (size_t i = 0; i < request_.outputs.size(); ++i)
      request_.outputs[i].binary = output_binary_[i].value_or(request_.binary_outputs);
    return std::move(request_);
  }

  static constexpr int kDataDepth = 3;  // the request, 'inputs' and the input lie around 'data'

  const Blob& body_;
  const ParseOptions& options_;
  const size_t json_size_;
  size_t binary_at_;             // where the next binary tensor begins
  uint64_t expanded_bytes_ = 0;  // of tensors read from JSON
  bool has_inputs_ = false;
  InferRequest request_;
  std::vector<std::optional<bool>> output_binary_;  // as asked, beside request_.outputs
};

InferRequest RawRequest(const Blob& body) {
  InferRequest request{.binary_outputs = true, .raw_input = true};
  request.inputs.push_back({.data = body});
  return request;
}

}  // namespace

Result<InferRequest> ParseInferRequest(const Blob& body, std::optional<size_t> json_size,
                                       const ParseOptions& options) {
  const size_t size = json_size.value_or(body.size());
  if (size > body.size())
    return Error(Code::kInvalidArgument, "the JSON part is said to have {} bytes, the body has {}",
                 size, body.size());
  if (json_size == 0) return RawRequest(body);
  SARAI_CHECK_OK(CheckRequestSize(size, options.max_json_bytes));
  return RequestParser(body, size, options).Parse();
}

}  // namespace sarai::kserve
