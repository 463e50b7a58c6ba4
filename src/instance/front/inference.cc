#include "instance/front/inference.h"

#include <algorithm>
#include <utility>

#include "instance/front/reply.h"
#include "wire/mme/mme.h"

namespace sarai::instance {
namespace {

// What encoding the answer needs of the request.
InferRequest OutputWishes(const InferRequest& request) {
  return {.id = request.id,
          .outputs = request.outputs,
          .binary_outputs = request.binary_outputs,
          .raw_input = request.raw_input};
}

Result<kserve::EncodedResponse> EncodeOutcome(const InferOutcome& outcome,
                                              const InferRequest& wishes,
                                              const SharedOutputs& shared) {
  if (!outcome.response) return Error(outcome.response.error());
  SARAI_CHECK_OK(shared.Write(outcome.response->outputs));
  return kserve::EncodeInferResponse(*outcome.response, wishes, EncodeOptionsOf(outcome));
}

void Compress(http::ContentEncoding encoding, http::Response& response) {
  auto compressed = http::Encode(encoding, response.body);
  if (!compressed) return;  // it goes out as it is
  response.body = {std::move(*compressed)};
  response.headers.Add("Content-Encoding", std::string(http::ContentEncodingName(encoding)));
}

http::Response Encode(const Inference::Dialect& dialect, const InferOutcome& outcome,
                      const InferRequest& wishes, const SharedOutputs& shared,
                      http::ContentEncoding encoding) {
  auto encoded = EncodeOutcome(outcome, wishes, shared);
  if (!encoded) return ErrorReply(dialect.http_status(encoded.error().code()), encoded.error());
  http::Response response{.status = 200};
  response.headers.Add("Content-Type", dialect.content_type(*encoded));
  if (encoded->binary && dialect.json_size_header)
    response.headers.Add("Inference-Header-Content-Length", fmt::to_string(encoded->json_size));
  response.body = std::move(encoded->body);
  if (encoding != http::ContentEncoding::kIdentity) Compress(encoding, response);
  return response;
}

}  // namespace

void AddTimings(http::Headers& headers, const InferOutcome& outcome,
                const std::string& instance_id) {
  const auto add = [&headers](std::string_view name, std::string value) {
    headers.Add(std::string(name), std::move(value));
  };
  add(mme::kModelStateHeader, outcome.warm ? "warm" : "cold");
  add(mme::kWaitMsHeader, fmt::format("{:.3f}", Milliseconds(outcome.waited)));
  if (outcome.response) add(mme::kLoadMsHeader, fmt::format("{:.3f}", Milliseconds(outcome.load)));
  if (!instance_id.empty()) add(mme::kInstanceHeader, instance_id);
}

Caller CallerOf(const http::Request& request) {
  return {.peer = request.peer,
          .trace_parent = std::string(request.headers.Get("traceparent")),
          .trace_state = std::string(request.headers.Get("tracestate"))};
}

kserve::EncodeOptions EncodeOptionsOf(const InferOutcome& outcome) {
  if (outcome.model == nullptr) return {};
  const engine::ModelInfo& info = outcome.model->handle.info();
  return {.labels = &info.labels, .batched = info.spec.max_batch_size > 0};
}

Result<Blob> PlainBody(const http::Request& request, uint64_t max_bytes) {
  SARAI_TRY(const auto encoding,
            http::ParseContentEncoding(request.headers.Get("Content-Encoding")));
  return http::Decode(encoding, request.body, max_bytes);
}

bool HasVersion(const engine::ModelInfo& model, const std::string& version) {
  return version.empty() || std::ranges::find(model.versions, version) != model.versions.end();
}

Status NoSuchVersion(const engine::ModelInfo& model, const std::string& version) {
  return MakeStatus(Code::kNotFound, "Request for unknown model: '{}' version {} is not found",
                    model.spec.name, version);
}

void Inference::Run(InferenceCall call, http::Responder respond) const {
  auto request = kserve::ParseInferRequest(call.body, call.json_size, parse_);
  if (!request)
    return respond(ErrorReply(dialect_.http_status(request.error().code()), request.error()));
  request->model = std::move(call.model);
  request->version = std::move(call.version);
  request->caller = std::move(call.caller);
  request->cancellation = std::move(call.cancellation);
  for (auto& [name, value] : call.forwarded)
    request->parameters.insert_or_assign(name, std::move(value));
  auto shared = memory_.Resolve(*request);
  if (!shared)
    return respond(ErrorReply(dialect_.http_status(shared.error().code()), shared.error()));
  InferRequest wishes = OutputWishes(*request);
  // The answer may come when this front is gone: it holds what it needs.
  manager_.Infer(std::move(*request),
                 [dialect = dialect_, instance_id = instance_id_, wishes = std::move(wishes),
                  shared = std::move(*shared), encoding = call.answer_encoding,
                  respond = std::move(respond)](InferOutcome outcome) mutable {
                   http::Response response = Encode(dialect, outcome, wishes, shared, encoding);
                   AddTimings(response.headers, outcome, instance_id);
                   respond(std::move(response));
                 });
}

}  // namespace sarai::instance
