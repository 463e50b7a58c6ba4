#include "wire/kserve/kserve.h"

#include <charconv>

#include "base/strings.h"
#include "wire/json/json.h"
#include "wire/json/text.h"
#include "wire/kserve/json_members.h"

namespace sarai::kserve {
namespace {

constexpr std::string_view kJsonLengthHeader = "Inference-Header-Content-Length";

void AppendList(std::string& out, std::string_view key, const std::vector<std::string>& values) {
  out += ',';
  json::AppendString(out, key);
  out += ":[";
  for (const std::string& value : values) {
    if (out.back() != '[') out += ',';
    json::AppendString(out, json::ToValidUtf8(value));
  }
  out += ']';
}

void AppendTensors(std::string& out, std::string_view key, const std::vector<TensorSpec>& tensors,
                   bool batched) {
  out += ',';
  json::AppendString(out, key);
  out += ":[";
  for (const TensorSpec& tensor : tensors) {
    if (out.back() != '[') out += ',';
    out += '{';
    AppendMember(out, "name", tensor.name);
    AppendMember(out, "datatype", DataTypeName(tensor.type));
    Shape shape = tensor.dims;
    if (batched) shape.insert(shape.begin(), -1);
    out += R"(,"shape":)" + ShapeText(shape) + "}";
  }
  out += ']';
}

}  // namespace

Result<std::optional<size_t>> JsonSizeFromHeaders(const http::Headers& headers, size_t body_size) {
  if (!headers.Has(kJsonLengthHeader)) return std::nullopt;
  const std::string_view text = Trim(headers.Get(kJsonLengthHeader));
  const auto size = ParseInt(text);
  if (!size || *size < 0)
    return Error(Code::kInvalidArgument, "{} is '{}': it must be an integer of 0 or more",
                 kJsonLengthHeader, text);
  if (static_cast<uint64_t>(*size) > body_size)
    return Error(Code::kInvalidArgument, "{} is {}, but the body has only {} bytes",
                 kJsonLengthHeader, *size, body_size);
  return static_cast<size_t>(*size);
}

std::string ErrorBody(std::string_view message) {
  std::string body = "{";
  AppendMember(body, "error", message);
  return body + "}";
}

int HttpStatus(Code code) {
  switch (code) {
    case Code::kNotFound: return 404;
    case Code::kUnavailable: return 503;
    case Code::kUnimplemented: return 501;
    case Code::kInternal: return 500;
    case Code::kDeadlineExceeded: return 504;
    default: return 400;
  }
}

std::string EncodeServerMetadata(const ServerMetadata& metadata) {
  std::string body = "{";
  AppendMember(body, "name", metadata.name);
  AppendMember(body, "version", metadata.version);
  AppendList(body, "extensions", metadata.extensions);
  return body + "}";
}

std::string EncodeModelMetadata(const ModelSpec& spec, const std::vector<std::string>& versions) {
  const bool batched = spec.max_batch_size > 0;
  std::string body = "{";
  AppendMember(body, "name", spec.name);
  AppendList(body, "versions", versions);
  AppendMember(body, "platform", spec.platform.empty() ? spec.backend : spec.platform);
  AppendTensors(body, "inputs", spec.inputs, batched);
  AppendTensors(body, "outputs", spec.outputs, batched);
  return body + "}";
}

std::string EncodeRepositoryIndex(const std::vector<IndexEntry>& entries) {
  std::string body = "[";
  for (const IndexEntry& entry : entries) {
    if (body.back() != '[') body += ',';
    body += '{';
    AppendMember(body, "name", entry.name);
    if (!entry.version.empty()) AppendMember(body, "version", entry.version);
    if (!entry.state.empty()) AppendMember(body, "state", entry.state);
    if (!entry.reason.empty()) AppendMember(body, "reason", entry.reason);
    body += '}';
  }
  return body + "]";
}

Result<bool> ParseIndexRequest(std::string_view body) {
  SARAI_TRY(const auto object, json::ParseObject(body));
  SARAI_TRY(const auto ready, json::ObjectView(object).Bool("ready"));
  return ready.value_or(false);
}

}  // namespace sarai::kserve
