#include "gateway/invoke_errand.h"

#include <utility>

namespace sarai::gateway {
namespace {

Route RouteOf(const InvokeRequest& request) {
  return {.endpoint = request.endpoint,
          .variant = request.target_variant,
          .model = request.target_model};
}

class InvokeErrand final : public Errand {
 public:
  InvokeErrand(InvokeRequest request, AnswerContext context, http::Responder respond)
      : Errand(RouteOf(request)),
        request_(std::move(request)),
        context_(std::move(context)),
        respond_(std::move(respond)) {
    context_.endpoint = request_.endpoint;
    context_.target_model = request_.target_model;
  }

  Status Admits(const FleetVariant& variant) const override {
    if (variant.multi_model && request_.target_model.empty())
      return MakeStatus(Code::kInvalidArgument,
                        "Request {} is missing a target model header: endpoint {} is a multi-model "
                        "endpoint; give TargetModel, the archive's key below the endpoint's "
                        "prefix.",
                        context_.request_id, request_.endpoint);
    if (!variant.multi_model && !request_.target_model.empty())
      return MakeStatus(Code::kInvalidArgument,
                        "Endpoint {} is not a multi-model endpoint and does not support target "
                        "model header.",
                        request_.endpoint);
    return {};
  }

  http::Request Outgoing(const FleetVariant& variant, const std::string& instance) override {
    context_.variant = variant.name;
    context_.instance = instance;
    context_.artifact_url = variant.model_prefix + request_.target_model;
    return ForwardRequest(request_,
                          variant.multi_model
                              ? OpaqueModelName(variant.model_prefix, request_.target_model)
                              : std::string(),
                          context_.request_id);
  }

  net::SendOptions Sending(std::chrono::milliseconds timeout) const override {
    return {.timeout = timeout, .cancellation = request_.cancellation};
  }

  void Deliver(http::Response answer) override { respond_(Answer(std::move(answer), context_)); }
  void Fail(const net::SendError& error) override { respond_(NoAnswer(error, context_)); }
  // A missing endpoint is the request's fault in AWS's words.
  void Refuse(const Status& status) override {
    const bool missing = status.code() == Code::kNotFound;
    respond_(Refusal(missing ? Status(Code::kInvalidArgument, status.message()) : status,
                     context_.request_id));
  }

 private:
  const InvokeRequest request_;
  AnswerContext context_;
  http::Responder respond_;
};

}  // namespace

std::unique_ptr<Errand> MakeInvokeErrand(InvokeRequest request, AnswerContext context,
                                         http::Responder respond) {
  return std::make_unique<InvokeErrand>(std::move(request), std::move(context), std::move(respond));
}

}  // namespace sarai::gateway
