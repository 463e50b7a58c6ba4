#include "instance/front/grpc/grpc_inference.h"

#include <utility>

#include "instance/front/grpc/grpc_answer.h"

namespace sarai::instance {

Result<GrpcInference::Prepared> GrpcInference::Prepare(const net::GrpcCall& call,
                                                       const Blob& message) const {
  SARAI_TRY(auto parsed, kserve::grpc::ParseInferRequest(message, parse_));
  InferRequest& request = parsed.request;
  SARAI_CHECK_OK(headers_.Apply(call.metadata(), request.parameters));
  request.cancellation = call.cancellation();
  request.deadline = call.deadline();
  request.caller = {.over = Caller::Over::kGrpc,
                    .peer = call.peer(),
                    .trace_parent = std::string(call.metadata().Get("traceparent")),
                    .trace_state = std::string(call.metadata().Get("tracestate"))};
  GrpcWishes wishes{.request = {.id = request.id, .outputs = request.outputs},
                    .model = request.model,
                    .empty_final = parsed.wants_empty_final};
  SARAI_TRY(wishes.shared, memory_.Resolve(request));
  return Prepared{.request = std::move(request), .wishes = std::move(wishes)};
}

void GrpcInference::RunUnary(const net::GrpcCallPtr& call, const Blob& message) const {
  auto prepared = Prepare(*call, message);
  if (!prepared) return Fail(*call, prepared.error());
  manager_.Infer(std::move(prepared->request),
                 [call, wishes = std::move(prepared->wishes)](const InferOutcome& outcome) {
                   net::GrpcMetadata trailing;
                   AddTimings(trailing, outcome, /*instance_id=*/"");
                   if (!outcome.response)
                     return call->Finish(ToGrpc(outcome.response.error()), std::move(trailing));
                   auto parts = EncodeAnswer(outcome, wishes, /*in_stream=*/false);
                   if (!parts) return call->Finish(ToGrpc(parts.error()), std::move(trailing));
                   call->FinishWith(std::move(*parts), std::move(trailing));
                 });
}

bool GrpcInference::IsDecoupled(const std::string& model) const {
  const ServingModelPtr serving = manager_.Serving(model);
  return serving != nullptr && serving->handle.info().spec.decoupled;
}

Result<std::vector<Blob>> EncodeAnswer(const InferOutcome& outcome, const GrpcWishes& wishes,
                                       bool in_stream) {
  SARAI_CHECK_OK(wishes.shared.Write(outcome.response->outputs));
  return kserve::grpc::EncodeInferResponse(*outcome.response, wishes.request,
                                           EncodeOptionsOf(outcome), in_stream);
}

}  // namespace sarai::instance
