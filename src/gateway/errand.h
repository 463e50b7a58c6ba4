// What differs between the ways in which clients ask for a model: InvokeEndpoint, KServe over HTTP,
// over gRPC. An errand says where its request may go and how an instance is asked, and tells its
// client how it went. `Invocation` runs it.
//
// Threads: one call at a time, each on the thread that brought the step about.
#pragma once

#include <string>

#include "base/status.h"
#include "net/transport.h"
#include "types/fleet.h"
#include "wire/http/message.h"

namespace sarai::gateway {

struct Route {
  std::string endpoint;
  std::string variant;   // wanted; empty = by weight
  std::string model;     // what instances call it; empty = any instance will do
  std::string sequence;  // stays with the instance that has it; empty = none
  bool sequence_ends = false;
  bool counted = true;  // an inference: in the metrics of invocations
};

class Errand {
 public:
  explicit Errand(Route route) : route_(std::move(route)) {}
  virtual ~Errand() = default;

  const Route& route() const { return route_; }

  // Whether that variant answers such a request.
  virtual Status Admits(const FleetVariant&) const { return {}; }

  // What the instance is sent; asked for again when it is sent once more elsewhere.
  virtual http::Request Outgoing(const FleetVariant& variant, const std::string& instance) = 0;
  virtual net::SendOptions Sending(std::chrono::milliseconds timeout) const {
    return {.timeout = timeout};
  }

  // Exactly one of these, once: the instance's answer, why there is none, why it was asked nothing.
  virtual void Deliver(http::Response answer) = 0;
  virtual void Fail(const net::SendError& error) = 0;
  virtual void Refuse(const Status& status) = 0;

 private:
  const Route route_;
};

}  // namespace sarai::gateway
