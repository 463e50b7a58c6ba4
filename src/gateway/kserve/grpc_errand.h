// A gRPC call as an errand: carried to an instance by HTTP (wire/kserve/grpc_over_http.h).
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "gateway/errand.h"
#include "net/grpc/server.h"
#include "wire/kserve/grpc_over_http.h"

namespace sarai::gateway {

net::GrpcStatus ToGrpc(const Status& status);

// The metadata that says which endpoint and variant is meant; empty = none does.
std::string EndpointOf(const net::GrpcCall& call);
std::string VariantOf(const net::GrpcCall& call);

// The call, or one message of its stream, for an instance.
http::Request CarryToInstance(const net::GrpcCall& call, const Blob& message, TimePoint now,
                              const std::string& request_id);
net::SendOptions SendingFor(const net::GrpcCall& call, TimePoint now,
                            std::chrono::milliseconds timeout);

// How a call ended that has one message or none; kInternal's status where no instance says so.
kserve::grpc::CarriedEnd EndOf(const http::Response& answer);

struct UnaryCall {
  net::GrpcCallPtr call;
  Blob message;
  Route route;
  std::string request_id;
};
// `clock` outlives it.
std::unique_ptr<Errand> MakeGrpcErrand(UnaryCall call, const Clock& clock);

}  // namespace sarai::gateway
