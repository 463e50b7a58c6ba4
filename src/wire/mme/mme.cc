#include "wire/mme/mme.h"

#include "base/strings.h"
#include "wire/json/json.h"
#include "wire/json/text.h"

namespace sarai::mme {
namespace {

constexpr std::string_view kBinaryType = "application/vnd.sagemaker-triton.binary+json";
constexpr std::string_view kJsonSizeParameter = "json-header-size";

void AppendModel(std::string& out, const ModelEntry& model) {
  out += R"({"modelName":)";
  json::AppendString(out, json::ToValidUtf8(model.model_name));
  out += R"(,"modelUrl":)";
  json::AppendString(out, json::ToValidUtf8(model.model_url));
  out += '}';
}

// The value of a media type's parameter ("a/b; name=value"), or nothing.
std::optional<std::string_view> FindParameter(std::string_view media_type, std::string_view name) {
  const auto parts = Split(media_type, ';');
  for (size_t i = 1; i < parts.size(); ++i) {
    const std::string_view part = Trim(parts[i]);
    const size_t equals = part.find('=');
    if (equals == std::string_view::npos) continue;
    if (EqualsIgnoreCase(Trim(part.substr(0, equals)), name)) return Trim(part.substr(equals + 1));
  }
  return std::nullopt;
}

}  // namespace

Result<LoadRequest> ParseLoadRequest(std::string_view body) {
  SARAI_TRY(const auto object, json::ParseObject(body));
  const json::ObjectView view(object);
  SARAI_TRY(std::string name, view.RequireString("model_name"));
  SARAI_TRY(std::string url, view.RequireString("url"));
  if (name.empty()) return Error(Code::kInvalidArgument, "'model_name' is empty");
  if (url.empty()) return Error(Code::kInvalidArgument, "'url' is empty");
  return LoadRequest{.model_name = std::move(name), .url = std::move(url)};
}

std::string EncodeModel(const ModelEntry& model) {
  std::string body;
  AppendModel(body, model);
  return body;
}

std::string EncodeList(const ListPage& page) {
  std::string body = R"({"models":[)";
  for (const ModelEntry& model : page.models) {
    if (body.back() != '[') body += ',';
    AppendModel(body, model);
  }
  body += ']';
  if (!page.next_page_token.empty()) {
    body += R"(,"nextPageToken":)";
    json::AppendString(body, json::ToValidUtf8(page.next_page_token));
  }
  return body + "}";
}

Result<std::optional<size_t>> JsonSizeFromContentType(std::string_view content_type,
                                                      size_t body_size) {
  const std::string_view type = Trim(content_type.substr(0, content_type.find(';')));
  if (!EqualsIgnoreCase(type, kBinaryType)) return std::nullopt;
  const auto text = FindParameter(content_type, kJsonSizeParameter);
  if (!text)
    return Error(Code::kInvalidArgument, "Content-Type {} needs the parameter {}", kBinaryType,
                 kJsonSizeParameter);
  const auto size = ParseInt(*text);
  if (!size || *size < 0)
    return Error(Code::kInvalidArgument, "{} is '{}': it must be an integer of 0 or more",
                 kJsonSizeParameter, *text);
  if (static_cast<uint64_t>(*size) > body_size)
    return Error(Code::kInvalidArgument, "{} is {}, but the body has only {} bytes",
                 kJsonSizeParameter, *size, body_size);
  return static_cast<size_t>(*size);
}

std::string BinaryContentType(size_t json_size) {
  return fmt::format("{};{}={}", kBinaryType, kJsonSizeParameter, json_size);
}

int HttpStatus(Code code) {
  switch (code) {
    case Code::kNotFound: return 404;
    case Code::kAlreadyExists: return 409;
    case Code::kResourceExhausted: return 507;
    case Code::kDeadlineExceeded: return 429;
    case Code::kUnavailable: return 503;
    case Code::kUnimplemented: return 501;
    case Code::kInternal: return 500;
    default: return 400;
  }
}

}  // namespace sarai::mme
