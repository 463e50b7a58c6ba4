#include "gateway/kserve/answers.h"

#include <algorithm>

namespace sarai::gateway {
namespace {

bool HasReadyInstance(const RoutedVariant& variant) {
  return std::ranges::any_of(variant.instances, [](const RoutedInstance& instance) {
    return instance.link->View("", instance.ready).ready;
  });
}

Status Check(const std::string& name, const RoutedEndpoint& endpoint) {
  if (!endpoint.variants.empty() && std::ranges::all_of(endpoint.variants, HasReadyInstance))
    return {};
  return MakeStatus(Code::kUnavailable,
                    "endpoint {} is {}: not all its variants have an instance "
                    "that answers",
                    name, endpoint.status);
}

}  // namespace

Status EndpointReady(Dispatcher& dispatcher, const std::string& endpoint) {
  const auto fleet = dispatcher.Fleet();
  if (!endpoint.empty()) {
    const auto it = fleet->endpoints.find(endpoint);
    if (it == fleet->endpoints.end())
      return MakeStatus(Code::kNotFound, "Endpoint {} of account {} not found.", endpoint,
                        dispatcher.options().account);
    return Check(it->first, it->second);
  }
  for (const auto& [name, each] : fleet->endpoints) SARAI_CHECK_OK(Check(name, each));
  return {};
}

Status WhyNoAnswer(const net::SendError& error) {
  if (error.status.code() == Code::kDeadlineExceeded || error.status.code() == Code::kCancelled)
    return error.status;
  return MakeStatus(Code::kUnavailable, "the connection to the model's instance broke: {}",
                    error.status.message());
}

Status AsUnavailable(const Status& status) {
  if (status.code() != Code::kResourceExhausted) return status;
  return Status(Code::kUnavailable, status.message());
}

}  // namespace sarai::gateway
