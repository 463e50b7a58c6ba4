#include "gateway/invocation.h"

#include <algorithm>
#include <utility>

#include "base/strings.h"
#include "wire/mme/mme.h"

namespace sarai::gateway {
namespace {

constexpr size_t kMaxAttempts = 2;  // and one more after a wait

double HeaderNumber(const http::Response& response, std::string_view name) {
  return ParseDouble(response.headers.Get(name)).value_or(0);
}

std::string SequenceKey(const Route& route) {
  if (route.sequence.empty()) return "";
  return fmt::format("{}\n{}\n{}", route.endpoint, route.model, route.sequence);
}

}  // namespace

Invocation::Invocation(std::shared_ptr<Dispatcher> dispatcher, std::unique_ptr<Errand> errand)
    : dispatcher_(std::move(dispatcher)),
      errand_(std::move(errand)),
      arrived_(dispatcher_->clock().Now()),
      hold_until_(arrived_ + dispatcher_->options().hold_timeout),
      sequence_key_(SequenceKey(errand_->route())) {
  if (!sequence_key_.empty()) pin_ = dispatcher_->sequences().Find(sequence_key_);
}

Result<const RoutedVariant*> Invocation::ChooseVariant(const FleetSnapshot& fleet) const {
  const Route& route = errand_->route();
  const auto it = fleet.endpoints.find(route.endpoint);
  if (it == fleet.endpoints.end())
    return Error(Code::kNotFound, "Endpoint {} of account {} not found.", route.endpoint,
                 dispatcher_->options().account);
  const RoutedEndpoint& endpoint = it->second;
  if (endpoint.variants.empty())
    return Error(Code::kInvalidArgument,
                 "Endpoint {} of account {} is {}, it can not be invoked yet.", route.endpoint,
                 dispatcher_->options().account, endpoint.status);
  const std::string& wanted = variant_.empty() ? route.variant : variant_;
  const auto named = [&endpoint](const std::string& name) {
    return std::ranges::find(endpoint.variants, name,
                             [](const RoutedVariant& v) { return v.spec.name; });
  };
  if (!wanted.empty()) {
    const auto variant = named(wanted);
    if (variant == endpoint.variants.end())
      return Error(Code::kInvalidArgument, "Variant {} not found in endpoint {}.", wanted,
                   route.endpoint);
    return &*variant;
  }
  if (pin_)
    if (const auto variant = named(pin_->variant); variant != endpoint.variants.end())
      return &*variant;
  std::vector<double> weights;
  for (const RoutedVariant& variant : endpoint.variants) weights.push_back(variant.spec.weight);
  const auto picked = policy::PickVariant(weights, dispatcher_->Uniform());
  if (!picked)
    return Error(Code::kInvalidArgument, "Every variant of endpoint {} has weight 0.",
                 route.endpoint);
  return &endpoint.variants[*picked];
}

const RoutedInstance* Invocation::PinnedInstance(const RoutedVariant& variant) const {
  if (!pin_ || pin_->variant != variant.spec.name) return nullptr;
  for (const RoutedInstance& instance : variant.instances)
    if (instance.link->id() == pin_->instance && instance.link->View("", instance.ready).ready &&
        std::ranges::find(tried_, pin_->instance) == tried_.end())
      return &instance;
  return nullptr;
}

const RoutedInstance* Invocation::ChooseInstance(const RoutedVariant& variant) const {
  if (const RoutedInstance* const pinned = PinnedInstance(variant)) return pinned;
  const std::string& model = errand_->route().model;
  const policy::RoutingOptions& options = dispatcher_->options().routing;
  std::vector<policy::InstanceView> views;
  for (const RoutedInstance& instance : variant.instances)
    views.push_back(instance.link->View(model, instance.ready));
  auto choice = policy::PickInstance(views, model, tried_, options, sequence_key_);
  // A retry may go back to an instance that has come back meanwhile.
  if (!choice && !tried_.empty())
    choice = policy::PickInstance(views, model, {}, options, sequence_key_);
  return choice ? &variant.instances[choice->index] : nullptr;
}

void Invocation::Try() {
  const std::shared_ptr<const FleetSnapshot> fleet = dispatcher_->Fleet();
  const auto variant = ChooseVariant(*fleet);
  if (!variant) return errand_->Refuse(variant.error());
  if (const Status status = errand_->Admits((*variant)->spec); !status.ok())
    return errand_->Refuse(status);
  variant_ = (*variant)->spec.name;
  instances_ = (*variant)->instances.size();
  if (const RoutedInstance* const instance = ChooseInstance(**variant))
    return Send(**variant, *instance);
  Wait();
}

void Invocation::Wait() {
  held_ = true;
  if (!dispatcher_->Hold(shared_from_this()))
    errand_->Refuse(MakeStatus(
        Code::kUnavailable, "no instance of variant {} answers, and too many requests wait for one",
        variant_));
}

void Invocation::GiveUp() {
  errand_->Refuse(MakeStatus(Code::kUnavailable,
                             "no instance of endpoint {}, variant {}, is healthy: none came back "
                             "while the request waited for it",
                             errand_->route().endpoint, variant_));
}

void Invocation::Send(const RoutedVariant& variant, const RoutedInstance& instance) {
  const std::shared_ptr<InstanceLink> link = instance.link;
  tried_.push_back(link->id());
  if (!sequence_key_.empty()) dispatcher_->sequences().Put(sequence_key_, {variant_, link->id()});
  link->Sent(errand_->route().model);
  const TimePoint sent = dispatcher_->clock().Now();
  dispatcher_->transport().Send(link->address(), errand_->Outgoing(variant.spec, link->id()),
                                errand_->Sending(dispatcher_->options().invoke_timeout),
                                [self = shared_from_this(), link, sent](
                                    std::expected<http::Response, net::SendError> reply) mutable {
                                  self->OnReply(link, sent, std::move(reply));
                                });
}

void Invocation::OnReply(const std::shared_ptr<InstanceLink>& link, TimePoint sent,
                         std::expected<http::Response, net::SendError> reply) {
  const Duration model_latency = dispatcher_->clock().Now() - sent;
  if (reply) return OnAnswer(link, std::move(*reply), model_latency);
  link->Returned(errand_->route().model);
  const bool broken =
      reply.error().no_byte_received && reply.error().status.code() == Code::kUnavailable;
  if (broken) link->SetBroken(true);
  if (broken && tried_.size() < kMaxAttempts) return Try();
  if (broken && !held_) return Wait();
  OnFailure(reply.error(), model_latency);
}

void Invocation::OnAnswer(const std::shared_ptr<InstanceLink>& link, http::Response response,
                          Duration model_latency) {
  const Route& route = errand_->route();
  const std::string_view state = response.headers.Get(mme::kModelStateHeader);
  const bool ok = response.status / 100 == 2;
  if (ok && route.counted && !route.model.empty()) link->Note(route.model, ModelState::kReady);
  if (route.sequence_ends) dispatcher_->sequences().Erase(sequence_key_);
  Record({.container_status = response.status,
          .model_latency = model_latency,
          .knows_residency = !state.empty(),
          .cold = state == "cold",
          .wait_ms = HeaderNumber(response, mme::kWaitMsHeader)});
  if (response.stream == nullptr) {
    link->Returned(route.model);
  } else {
    // In flight until whoever reads the body lets go of it.
    ByteStream* const body = response.stream.get();
    response.stream =
        ByteStreamPtr(body, [self = shared_from_this(), link, owner = response.stream](
                                ByteStream*) { link->Returned(self->errand_->route().model); });
  }
  errand_->Deliver(std::move(response));
}

void Invocation::OnFailure(const net::SendError& error, Duration model_latency) {
  if (error.status.code() != Code::kCancelled)
    Record({.container_status = 0, .model_latency = model_latency});
  errand_->Fail(error);
}

void Invocation::Record(InvokeOutcome outcome) {
  const Route& route = errand_->route();
  if (!route.counted) return;
  outcome.overhead_latency = dispatcher_->clock().Now() - arrived_ - outcome.model_latency;
  outcome.instances = instances_;
  dispatcher_->metrics().Record(route.endpoint, variant_, route.model, outcome);
}

}  // namespace sarai::gateway
