// ModelInferRequest <-> InferRequest. Raw tensors stay where they lie in the message.
#include <algorithm>

#include "wire/kserve/grpc_codec.h"
#include "wire/kserve/grpc_contents.h"
#include "wire/kserve/grpc_parameters.h"
#include "wire/kserve/protobuf_reader.h"
#include "wire/kserve/protobuf_writer.h"
#include "wire/kserve/request_parameters.h"

namespace sarai::kserve::grpc {
namespace {

constexpr size_t kMaxDimensions = 64;

bool Repeats(const auto& items, std::string_view name) {
  return std::ranges::any_of(items, [&](const auto& item) { return item.name == name; });
}

struct InputDraft {
  std::optional<DataType> type;
  std::vector<std::string_view> contents;
  TensorParameters parameters;
  Parameters others;
};

class RequestParser {
 public:
  RequestParser(const Blob& message, const ParseOptions& options)
      : message_(message), options_(options) {}

  Result<GrpcInferRequest> Parse() {
    SARAI_CHECK_OK(ForEachField(message_.text(), "the request",
                                [this](const ProtobufField& field) { return ReadField(field); }));
    SARAI_CHECK_OK(CheckVersion(request().version));
    SARAI_CHECK_OK(PlaceRaw());
    SARAI_CHECK_OK(CheckData());
    return std::move(parsed_);
  }

 private:
  InferRequest& request() { return parsed_.request; }

  Status ReadField(const ProtobufField& field) {
    if (field.wire_type != 2) return {};
    switch (field.number) {
      case 1: request().model = field.bytes; return {};
      case 2: request().version = field.bytes; return {};
      case 3: request().id = field.bytes; return {};
      case 4: return AddParameter(field.bytes);
      case 5: return ReadInput(field.bytes);
      case 6: return ReadOutput(field.bytes);
      case 7: return AddRaw(field.bytes);
      default: return {};
    }
  }

  Blob Part(std::string_view bytes) const {
    const size_t offset = static_cast<size_t>(bytes.data() - message_.text().data());
    return message_.Slice(offset, bytes.size());
  }

  Status AddRaw(std::string_view bytes) {
    if (raw_.size() >= options_.max_tensors)
      return MakeStatus(Code::kInvalidArgument, "more than {} raw_input_contents",
                        options_.max_tensors);
    raw_.push_back(Part(bytes));
    return {};
  }

  Status AddParameter(std::string_view bytes) {
    SARAI_TRY(ParameterEntry entry, ReadParameter(bytes));
    SARAI_CHECK_OK(CheckRequestParameter(entry));
    MakeUnsigned(entry);
    if (entry.key == "triton_enable_empty_final_response") {
      parsed_.wants_empty_final = std::get<bool>(entry.value);
      return {};
    }
    const std::string key = std::move(entry.key);
    return SetRequestParameter(key, std::move(entry.value), options_.max_parameters, request());
  }

  // ---- inputs

  Status ReadInput(std::string_view bytes) {
    if (request().inputs.size() >= options_.max_tensors)
      return MakeStatus(Code::kInvalidArgument, "more than {} inputs", options_.max_tensors);
    Tensor tensor;
    InputDraft draft;
    Status status = ForEachField(bytes, "it", [&](const ProtobufField& field) {
      return ReadInputField(field, tensor, draft);
    });
    if (status.ok() && Repeats(request().inputs, tensor.name))
      return MakeStatus(Code::kInvalidArgument, "input '{}' already exists in request",
                        tensor.name);
    if (status.ok()) status = Complete(draft, tensor);
    if (!status.ok())
      return status.WithContext(tensor.name.empty()
                                    ? fmt::format("inputs[{}]", request().inputs.size())
                                    : fmt::format("input '{}'", tensor.name));
    request().inputs.push_back(std::move(tensor));
    return {};
  }

  Status ReadInputField(const ProtobufField& field, Tensor& tensor, InputDraft& draft) {
    if (field.number == 3) return ReadShape(field, tensor.shape);
    if (field.wire_type != 2) return {};
    if (field.number == 1) tensor.name = field.bytes;
    if (field.number == 2) return ReadType(field.bytes, draft);
    if (field.number == 4) {
      SARAI_TRY(ParameterEntry entry, ReadParameter(field.bytes));
      return draft.parameters.Add(std::move(entry), options_.max_parameters, draft.others);
    }
    if (field.number == 5) draft.contents.push_back(field.bytes);
    return {};
  }

  static Status ReadShape(const ProtobufField& field, Shape& shape) {
    const bool good = ForEachNumber(field, 0, [&shape](uint64_t dim) {
      if (shape.size() <= kMaxDimensions) shape.push_back(static_cast<int64_t>(dim));
    });
    if (!good) return Status(Code::kInvalidArgument, "its shape is malformed");
    if (shape.size() > kMaxDimensions)
      return MakeStatus(Code::kInvalidArgument, "its shape has more than {} dimensions",
                        kMaxDimensions);
    return {};
  }

  static Status ReadType(std::string_view name, InputDraft& draft) {
    draft.type = ParseDataTypeName(name);
    if (draft.type && *draft.type != DataType::kInvalid) return {};
    return MakeStatus(Code::kInvalidArgument, "there is no datatype '{}'", name);
  }

  Status Complete(InputDraft& draft, Tensor& tensor) {
    if (tensor.name.empty()) return Status(Code::kInvalidArgument, "'name' is missing");
    if (!draft.type) return Status(Code::kInvalidArgument, "'datatype' is missing");
    tensor.type = *draft.type;
    SARAI_TRY(const int64_t count, ElementCount(tensor.shape));
    (void)count;
    SARAI_TRY(auto shared, draft.parameters.SharedMemory());
    const bool given = std::ranges::any_of(draft.contents, [](auto part) { return !part.empty(); });
    if (shared) {
      if (given)
        return Status(Code::kInvalidArgument, "it has contents and a shared-memory region");
      request().shared_inputs.emplace(tensor.name, std::move(*shared));
      return {};
    }
    if (!given) return {};
    if (with_contents_.empty()) with_contents_ = tensor.name;
    SARAI_TRY(tensor.data, ReadContents(draft.contents, tensor.type, MaxExpandedBytes()));
    expanded_bytes_ += tensor.data.size();
    return {};
  }

  // Numbers written short may become several times as many bytes.
  uint64_t MaxExpandedBytes() const {
    const uint64_t all = options_.max_json_bytes + message_.size();
    return all - std::min(all, expanded_bytes_);
  }

  Status CheckData() {
    for (const Tensor& input : request().inputs) {
      if (request().shared_inputs.contains(input.name)) continue;
      if (input.data.empty() && ElementCount(input.shape) != 0) return NoData(input.name);
      SARAI_CHECK_OK(CheckTensorBytes(input));
    }
    return {};
  }

  Status NoData(std::string_view input) {
    return MakeStatus(Code::kInvalidArgument,
                      "unable to find data for input tensor '{}' for model '{}' in request", input,
                      request().model);
  }

  // Raw contents belong, in order, to the inputs that are not in shared memory.
  Status PlaceRaw() {
    if (raw_.empty()) return {};
    if (!with_contents_.empty())
      return MakeStatus(Code::kInvalidArgument,
                        "contents field must not be specified when using raw_input_contents for "
                        "'{}' for model '{}': all tensors must be given in the same way",
                        with_contents_, request().model);
    size_t next = 0;
    for (Tensor& input : request().inputs) {
      if (request().shared_inputs.contains(input.name)) continue;
      if (next == raw_.size()) return NoData(input.name);
      input.data = std::move(raw_[next++]);
    }
    if (next == raw_.size()) return {};
    return MakeStatus(Code::kInvalidArgument,
                      "there are {} raw_input_contents for {} inputs outside shared memory",
                      raw_.size(), next);
  }

  // ---- outputs

  Status ReadOutput(std::string_view bytes) {
    if (request().outputs.size() >= options_.max_tensors)
      return MakeStatus(Code::kInvalidArgument, "more than {} outputs", options_.max_tensors);
    RequestedOutput output{.binary = true};
    TensorParameters parameters;
    Status status = ForEachField(bytes, "it", [&](const ProtobufField& field) {
      if (field.wire_type != 2) return Status();
      if (field.number == 1) output.name = field.bytes;
      return field.number == 2 ? ReadOutputParameter(field.bytes, parameters, output) : Status();
    });
    if (status.ok() && output.name.empty())
      status = MakeStatus(Code::kInvalidArgument, "'name' is missing");
    if (status.ok() && Repeats(request().outputs, output.name))
      return MakeStatus(Code::kInvalidArgument, "output '{}' already exists in request",
                        output.name);
    if (status.ok()) status = Place(parameters, output);
    if (!status.ok()) return status.WithContext(fmt::format("output '{}'", output.name));
    request().outputs.push_back(std::move(output));
    return {};
  }

  Status ReadOutputParameter(std::string_view bytes, TensorParameters& parameters,
                             RequestedOutput& output) const {
    SARAI_TRY(ParameterEntry entry, ReadParameter(bytes));
    if (entry.key != "classification")
      return parameters.Add(std::move(entry), options_.max_parameters, output.parameters);
    const auto* const classes = std::get_if<int64_t>(&entry.value);
    if (classes == nullptr) return WrongKind(entry.key, "int64_param");
    if (*classes <= 0 || *classes > UINT32_MAX)
      return MakeStatus(Code::kInvalidArgument,
                        "invalid value for 'classification' parameter, expected > 0, got: {}",
                        *classes);
    output.classification = static_cast<uint32_t>(*classes);
    return {};
  }

  static Status Place(const TensorParameters& parameters, RequestedOutput& output) {
    SARAI_TRY(output.shared_memory, parameters.SharedMemory());
    if (output.shared_memory && output.classification > 0)
      return Status(Code::kInvalidArgument, "classes cannot go to shared memory");
    return {};
  }

  const Blob& message_;
  const ParseOptions& options_;
  GrpcInferRequest parsed_;
  std::vector<Blob> raw_;
  std::string with_contents_;  // the first input that has some
  uint64_t expanded_bytes_ = 0;
};

}  // namespace

Result<GrpcInferRequest> ParseInferRequest(const Blob& message, const ParseOptions& options) {
  return RequestParser(message, options).Parse();
}

std::string RequestIdOf(const Blob& message) {
  std::string id;
  ProtobufReader reader(message.text());
  while (const auto field = reader.Next())
    if (field->number == 3 && field->wire_type == 2) id = field->bytes;
  return id;
}

}  // namespace sarai::kserve::grpc
