#include "wire/kserve/generate.h"

#include <algorithm>
#include <map>
#include <utility>

#include "wire/json/text.h"
#include "wire/kserve/json_elements.h"
#include "wire/kserve/json_members.h"
#include "wire/kserve/json_parameters.h"
#include "wire/kserve/json_tensor.h"
#include "wire/kserve/request_parameters.h"

namespace sarai::kserve {
namespace {

constexpr std::string_view kParameters = "parameters", kId = "id";

class GenerateParser {
 public:
  GenerateParser(const ModelSpec& spec, const ParseOptions& options)
      : spec_(spec), options_(options) {}

  Result<InferRequest> Parse(std::string_view body) {
    SARAI_CHECK_OK(ReadRequestObject(
        PaddedJson(body, /*readable_behind=*/0),
        [&](std::string_view key, ondemand::value value) { return ReadRootMember(key, value); }));
    return std::move(request_);
  }

 private:
  Status ReadRootMember(std::string_view key, ondemand::value value) {
    if (key == kParameters) return ReadNested(value);
    if (key != kId || Find(key) != nullptr) return ReadMember(key, value, /*depth=*/1);
    SARAI_TRY(request_.id, ReadString(value, "'id'"));
    return {};
  }

  Status ReadNested(ondemand::value value) {
    if (Find(kParameters) != nullptr)
      return Status(Code::kInvalidArgument,
                    "the model's input 'parameters' cannot be given here: that member holds "
                    "parameters; use the infer call");
    return ForEachMember(value, "'parameters'", [&](std::string_view key, auto member) {
      return ReadMember(key, member, /*depth=*/2);
    });
  }

  Status ReadMember(std::string_view key, ondemand::value value, int depth) {
    if (const TensorSpec* input = Find(key)) {
      if (std::ranges::find(request_.inputs, key, &Tensor::name) != request_.inputs.end())
        return MakeStatus(Code::kInvalidArgument, "input '{}' already exists in request", key);
      const Status status = ReadInput(*input, value, depth);
      return status.ok() ? status : status.WithContext(fmt::format("input '{}'", key));
    }
    SARAI_TRY(Parameter parameter, ReadParameter(value, fmt::format("parameter '{}'", key)));
    return SetRequestParameter(key, std::move(parameter), options_.max_parameters, request_);
  }

  const TensorSpec* Find(std::string_view name) const {
    const auto found = std::ranges::find(spec_.inputs, name, &TensorSpec::name);
    return found == spec_.inputs.end() ? nullptr : &*found;
  }

  Status ReadInput(const TensorSpec& input, ondemand::value value, int depth) {
    SARAI_TRY(JsonTensor data,
              ReadJsonTensor(value, input.type,
                             {.max_bytes = options_.max_json_bytes - expanded_bytes_,
                              .max_depth = options_.max_json_depth,
                              .depth = depth}));
    expanded_bytes_ += std::min(data.data.size(), options_.max_json_bytes - expanded_bytes_);
    SARAI_TRY(Shape shape, ShapeFor(input, data.elements));
    request_.inputs.push_back({.name = input.name,
                               .type = input.type,
                               .shape = std::move(shape),
                               .data = std::move(data.data)});
    return {};
  }

  Result<Shape> ShapeFor(const TensorSpec& input, int64_t elements) const {
    Shape shape = input.dims;
    if (spec_.max_batch_size > 0) shape.insert(shape.begin(), -1);
    const Shape dims = shape;
    int64_t left = elements;
    for (const int64_t dim : dims) {
      if (dim < 0) continue;
      if (dim == 0 ? left != 0 : left % dim != 0) return DoesNotFit(dims, elements);
      left = dim == 0 ? 1 : left / dim;
    }
    for (auto dim = shape.rbegin(); dim != shape.rend(); ++dim)
      if (*dim < 0) *dim = std::exchange(left, 1);
    if (left != 1) return DoesNotFit(dims, elements);
    return shape;
  }

  static std::unexpected<Status> DoesNotFit(const Shape& dims, int64_t elements) {
    return Error(Code::kInvalidArgument, "its {} elements do not fill the model's shape {}",
                 elements, ShapeText(dims));
  }

  const ModelSpec& spec_;
  const ParseOptions& options_;
  uint64_t expanded_bytes_ = 0;
  InferRequest request_;
};

Result<std::string> ValueOf(const Tensor& tensor) {
  std::string value = "[";
  const Status status = AppendJsonElements(value, tensor, OddText::kReplace);
  if (!status.ok()) return Error(status.WithContext(fmt::format("output '{}'", tensor.name)));
  const auto count = ElementCount(tensor.shape);
  return count && *count == 1 ? value.substr(1) : value + ']';
}

std::string ValueOf(const Parameter& parameter) {
  std::string value;
  AppendJsonParameter(value, parameter);
  return value;
}

}  // namespace

Result<InferRequest> ParseGenerateRequest(std::string_view body, const ModelSpec& spec,
                                          const ParseOptions& options) {
  SARAI_CHECK_OK(CheckRequestSize(body.size(), options.max_json_bytes));
  return GenerateParser(spec, options).Parse(body);
}

Result<std::string> EncodeGenerateResponse(const InferResponse& response) {
  // By name, and of one name the first: a model cannot take the place of what the server says.
  std::map<std::string_view, std::string> members;
  if (!response.id.empty()) members.emplace(kId, ValueOf(Parameter(response.id)));
  members.emplace("model_name", ValueOf(Parameter(response.model)));
  members.emplace("model_version", ValueOf(Parameter(response.version)));
  for (const auto& [name, value] : response.parameters) members.emplace(name, ValueOf(value));
  for (const Tensor& output : response.outputs) {
    SARAI_TRY(std::string value, ValueOf(output));
    members.emplace(output.name, std::move(value));
  }
  std::string body = "{";
  for (const auto& [name, value] : members) {
    AppendKey(body, name);
    body += value;
  }
  return body + '}';
}

std::string ServerSentEvent(std::string_view json) { return fmt::format("data: {}\n\n", json); }

}  // namespace sarai::kserve
