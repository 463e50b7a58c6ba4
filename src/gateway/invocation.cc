#include "gateway/invocation.h"

#include <algorithm>
#include <utility>

#include "base/strings.h"
#include "wire/mme/mme.h"

namespace sarai::gateway {
namespace {

constexpr size_t kMaxAttempts = 2;

double HeaderNumber(const http::Response& response, std::string_view name) {
  return ParseDouble(response.headers.Get(name)).value_or(0);
}

Status CheckTargetModel(const RoutedVariant& variant, const InvokeRequest& request,
                        const std::string& request_id) {
  if (variant.spec.multi_model && request.target_model.empty())
    return MakeStatus(Code::kInvalidArgument,
                      "Request {} is missing a target model header: endpoint {} is a multi-model "
                      "endpoint; give TargetModel, the archive's key below the endpoint's prefix.",
                      request_id, request.endpoint);
  if (!variant.spec.multi_model && !request.target_model.empty())
    return MakeStatus(Code::kInvalidArgument,
                      "Endpoint {} is not a multi-model endpoint and does not support target model "
                      "header.",
                      request.endpoint);
  return {};
}

}  // namespace

Invocation::Invocation(InvocationServices services, InvokeRequest request, AnswerContext context,
                       std::function<void(http::Response)> finish)
    : services_(std::move(services)),
      request_(std::move(request)),
      context_(std::move(context)),
      finish_(std::move(finish)),
      arrived_(services_.clock.Now()),
      hold_until_(arrived_ + services_.options.hold_timeout) {}

Result<const RoutedVariant*> Invocation::ChooseVariant(const FleetSnapshot& fleet) {
  const auto it = fleet.endpoints.find(request_.endpoint);
  if (it == fleet.endpoints.end())
    return Error(Code::kInvalidArgument, "Endpoint {} of account {} not found.", request_.endpoint,
                 context_.account);
  const RoutedEndpoint& endpoint = it->second;
  if (endpoint.variants.empty())
    return Error(Code::kInvalidArgument,
                 "Endpoint {} of account {} is {}, it can not be invoked yet.", request_.endpoint,
                 context_.account, endpoint.status);
  const std::string& wanted = variant_.empty() ? request_.target_variant : variant_;
  if (!wanted.empty()) {
    const auto named = std::ranges::find(endpoint.variants, wanted,
                                         [](const RoutedVariant& v) { return v.spec.name; });
    if (named == endpoint.variants.end())
      return Error(Code::kInvalidArgument, "Variant {} not found in endpoint {}.", wanted,
                   request_.endpoint);
    return &*named;
  }
  std::vector<double> weights;
  for (const RoutedVariant& variant : endpoint.variants) weights.push_back(variant.spec.weight);
  const auto picked = policy::PickVariant(weights, services_.uniform());
  if (!picked)
    return Error(Code::kInvalidArgument, "Every variant of endpoint {} has weight 0.",
                 request_.endpoint);
  return &endpoint.variants[*picked];
}

void Invocation::Try() {
  const std::shared_ptr<const FleetSnapshot> fleet = services_.fleet();
  const auto variant = ChooseVariant(*fleet);
  if (!variant) return Refuse(variant.error());
  if (const Status status = CheckTargetModel(**variant, request_, context_.request_id);
      !status.ok())
    return Refuse(status);
  variant_ = (*variant)->spec.name;
  instances_ = (*variant)->instances.size();

  std::vector<policy::InstanceView> views;
  for (const RoutedInstance& instance : (*variant)->instances)
    views.push_back(instance.link->View(request_.target_model, instance.ready));
  auto choice =
      policy::PickInstance(views, request_.target_model, tried_, services_.options.routing);
  // A retry may go back to an instance that has come back meanwhile.
  if (!choice && !tried_.empty())
    choice = policy::PickInstance(views, request_.target_model, {}, services_.options.routing);
  if (choice) return Send(**variant, (*variant)->instances[choice->index]);
  if (!services_.hold(shared_from_this()))
    Refuse(MakeStatus(Code::kUnavailable,
                      "no instance of variant {} answers, and too many requests wait for one",
                      variant_));
}

void Invocation::GiveUp() {
  Refuse(MakeStatus(Code::kUnavailable,
                    "no instance of endpoint {}, variant {}, is healthy at the moment",
                    request_.endpoint, variant_));
}

void Invocation::Send(const RoutedVariant& variant, const RoutedInstance& instance) {
  const std::shared_ptr<InstanceLink> link = instance.link;
  tried_.push_back(link->id());
  context_.variant = variant.spec.name;
  context_.instance = link->id();
  context_.artifact_url = variant.spec.model_prefix + request_.target_model;
  const std::string model_path =
      variant.spec.multi_model ? OpaqueModelName(variant.spec.model_prefix, request_.target_model)
                               : std::string();
  link->Sent(request_.target_model);
  const TimePoint sent = services_.clock.Now();
  services_.transport.Send(link->address(),
                           ForwardRequest(request_, model_path, context_.request_id),
                           net::SendOptions{.timeout = services_.options.invoke_timeout},
                           [self = shared_from_this(), link,
                            sent](std::expected<http::Response, net::SendError> reply) mutable {
                             self->OnReply(link, sent, std::move(reply));
                           });
}

void Invocation::OnReply(const std::shared_ptr<InstanceLink>& link, TimePoint sent,
                         std::expected<http::Response, net::SendError> reply) {
  link->Returned(request_.target_model);
  const Duration model_latency = services_.clock.Now() - sent;
  if (reply) return OnAnswer(*link, std::move(*reply), model_latency);
  const bool broken =
      reply.error().no_byte_received && reply.error().status.code() == Code::kUnavailable;
  if (broken) link->SetBroken(true);
  if (broken && tried_.size() < kMaxAttempts) return Try();
  OnFailure(reply.error(), model_latency);
}

void Invocation::OnAnswer(InstanceLink& link, http::Response response, Duration model_latency) {
  const std::string_view state = response.headers.Get(mme::kModelStateHeader);
  const bool ok = response.status / 100 == 2;
  if (ok && !request_.target_model.empty()) link.Note(request_.target_model, ModelState::kReady);
  InvokeOutcome outcome{.container_status = response.status,
                        .model_latency = model_latency,
                        .knows_residency = !state.empty(),
                        .cold = state == "cold",
                        .wait_ms = HeaderNumber(response, mme::kWaitMsHeader)};
  http::Response answer = Answer(std::move(response), context_);
  Record(outcome);
  finish_(std::move(answer));
}

void Invocation::OnFailure(const net::SendError& error, Duration model_latency) {
  Record({.container_status = 0, .model_latency = model_latency});
  finish_(NoAnswer(error, context_));
}

void Invocation::Record(InvokeOutcome outcome) {
  outcome.overhead_latency = services_.clock.Now() - arrived_ - outcome.model_latency;
  outcome.instances = instances_;
  services_.metrics.Record(request_.endpoint, variant_, request_.target_model, outcome);
}

void Invocation::Refuse(const Status& status) { finish_(Refusal(status, context_.request_id)); }

}  // namespace sarai::gateway
