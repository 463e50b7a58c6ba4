// What both of KServe's fronts say alike.
#pragma once

#include <string>
#include <string_view>

#include "base/status.h"
#include "gateway/dispatcher.h"
#include "net/transport.h"

namespace sarai::gateway {

inline constexpr std::string_view kEndpointHeader = "sarai-endpoint";
inline constexpr std::string_view kVariantHeader = "sarai-variant";
inline constexpr std::string_view kRequestIdHeader = "x-sarai-request-id";

// OK when every variant of the endpoint has an instance that is ready; an empty name means all
// endpoints. Errors: kNotFound, kUnavailable.
Status EndpointReady(Dispatcher& dispatcher, const std::string& endpoint);

// Why there is no answer, in the client's terms.
Status WhyNoAnswer(const net::SendError& error);
// Full means "try again", which in KServe's words is unavailable.
Status AsUnavailable(const Status& status);

inline Status NoUnload() {
  return Status(Code::kUnimplemented,
                "an endpoint's instances unload models by themselves, when room is needed");
}
inline Status NoOverrides() {
  return Status(Code::kUnimplemented,
                "an endpoint's models are loaded as their archives say: a load request at an "
                "endpoint takes no 'config' and no 'file:' parameters");
}
inline Status NotAtEndpoints(std::string_view what) {
  return MakeStatus(Code::kUnimplemented,
                    "{} is not served at an endpoint, only by a single instance: sarai instance",
                    what);
}

}  // namespace sarai::gateway
