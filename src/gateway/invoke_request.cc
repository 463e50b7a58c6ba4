#include "gateway/invoke_request.h"

#include <algorithm>
#include <string_view>

#include "wire/http/uri.h"
#include "wire/mme/mme.h"
#include "wire/sigv4/sigv4.h"

namespace sarai::gateway {
namespace {

constexpr size_t kMaxNameLength = 63;
constexpr size_t kMaxTargetModelLength = 1024;
constexpr size_t kMaxHeaderLength = 1024;

bool IsAlphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// ^[a-zA-Z0-9](-*[a-zA-Z0-9])*, at most 63
bool IsResourceName(std::string_view name) {
  if (name.empty() || name.size() > kMaxNameLength) return false;
  if (!IsAlphanumeric(name.front()) || !IsAlphanumeric(name.back())) return false;
  return std::ranges::all_of(name, [](char c) { return IsAlphanumeric(c) || c == '-'; });
}

Status CheckTargetModel(std::string_view target) {
  if (target.size() > kMaxTargetModelLength)
    return MakeStatus(Code::kInvalidArgument,
                      "TargetModel has {} characters, which is more than the {} allowed",
                      target.size(), kMaxTargetModelLength);
  const bool printable =
      std::ranges::none_of(target, [](unsigned char c) { return c < 0x20 || c == 0x7f; });
  if (!printable || (!target.empty() && target.front() == ' '))
    return MakeStatus(Code::kInvalidArgument,
                      "TargetModel must begin with a visible character and hold printable ones");
  return {};
}

Result<std::string> Header(const http::Request& request, std::string_view name) {
  const std::string_view value = request.headers.Get(name);
  if (value.size() <= kMaxHeaderLength) return std::string(value);
  return Error(Code::kInvalidArgument, "header {} has {} characters, more than the {} allowed",
               name, value.size(), kMaxHeaderLength);
}

// "/endpoints/NAME/invocations" -> NAME
Result<std::string> EndpointName(const http::Request& request) {
  SARAI_TRY(const http::Target target, http::ParseTarget(request.target));
  if (target.segments.size() != 3 || target.segments[0] != "endpoints")
    return Error(Code::kNotFound, "no such path: {} {}", request.method, request.target);
  const std::string& operation = target.segments[2];
  if (operation == "invocations-response-stream" || operation == "async-invocations")
    return Error(Code::kUnimplemented, "{} is not served here; use InvokeEndpoint", operation);
  if (operation != "invocations" || request.method != "POST")
    return Error(Code::kNotFound, "no such path: {} {}", request.method, request.target);
  if (!IsResourceName(target.segments[1]))
    return Error(Code::kInvalidArgument,
                 "1 validation error detected: Value '{}' at 'endpointName' failed to satisfy "
                 "constraint: Member must satisfy regular expression pattern: "
                 "^[a-zA-Z0-9](-*[a-zA-Z0-9])*",
                 target.segments[1]);
  return target.segments[1];
}

}  // namespace

Result<InvokeRequest> ParseInvoke(const http::Request& request, uint64_t max_body_bytes) {
  InvokeRequest invoke;
  SARAI_TRY(invoke.endpoint, EndpointName(request));
  if (request.body.size() > max_body_bytes)
    return Error(Code::kInvalidArgument,
                 "the request body has {} bytes, which is more than the {} allowed",
                 request.body.size(), max_body_bytes);
  invoke.target_model = request.headers.Get(mme::kTargetModelHeader);
  SARAI_CHECK_OK(CheckTargetModel(invoke.target_model));
  invoke.target_variant = request.headers.Get("X-Amzn-SageMaker-Target-Variant");
  if (!invoke.target_variant.empty() && !IsResourceName(invoke.target_variant))
    return Error(Code::kInvalidArgument, "TargetVariant '{}' is not a variant name",
                 invoke.target_variant);
  SARAI_TRY(invoke.content_type, Header(request, "Content-Type"));
  SARAI_TRY(invoke.accept, Header(request, "Accept"));
  SARAI_TRY(invoke.custom_attributes, Header(request, mme::kCustomAttributesHeader));
  SARAI_TRY(invoke.inference_id, Header(request, "X-Amzn-SageMaker-Inference-Id"));
  invoke.body = request.body;
  invoke.cancellation = request.cancellation;
  return invoke;
}

http::Request ForwardRequest(const InvokeRequest& invoke, const std::string& model_path,
                             const std::string& request_id) {
  http::Request forward;
  forward.method = "POST";
  forward.target = model_path.empty() ? "/invocations" : "/models/" + model_path + "/invoke";
  const auto add = [&forward](std::string_view name, const std::string& value) {
    if (!value.empty()) forward.headers.Add(std::string(name), value);
  };
  add("Content-Type", invoke.content_type);
  add("Accept", invoke.accept);
  add(mme::kTargetModelHeader, invoke.target_model);
  add(mme::kCustomAttributesHeader, invoke.custom_attributes);
  add("X-Amzn-SageMaker-Inference-Id", invoke.inference_id);
  add("x-sarai-request-id", request_id);
  forward.body = invoke.body;
  return forward;
}

std::string OpaqueModelName(const std::string& prefix, const std::string& target_model) {
  return sigv4::Sha256Hex(prefix + target_model).substr(0, 32);
}

}  // namespace sarai::gateway
