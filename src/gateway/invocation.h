// One InvokeEndpoint from its arrival to its answer: choose, send, perhaps send once more, answer.
//
// Lifetime: shared by the callbacks that carry it on; it ends with its answer. Threads: one step at
// a time, each on the thread that brought the step about.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "gateway/fleet_snapshot.h"
#include "gateway/gateway.h"
#include "gateway/invoke_answer.h"
#include "gateway/invoke_metrics.h"
#include "gateway/invoke_request.h"

namespace sarai::gateway {

// What an invocation needs of its gateway.
struct InvocationServices {
  const GatewayOptions& options;
  net::Transport& transport;
  const Clock& clock;
  InvokeMetrics& metrics;
  std::function<std::shared_ptr<const FleetSnapshot>()> fleet;
  std::function<double()> uniform;
  // Keeps the invocation until the fleet changes (then Retry is called) or its hold ends; false
  // when too many are held already.
  std::function<bool(std::shared_ptr<class Invocation>)> hold;
};

class Invocation : public std::enable_shared_from_this<Invocation> {
 public:
  Invocation(InvocationServices services, InvokeRequest request, AnswerContext context,
             std::function<void(http::Response)> finish);

  // First try, and each time the fleet has changed while it was held.
  void Try();
  // The hold is over: no instance came back in time.
  void GiveUp();

  TimePoint hold_until() const { return hold_until_; }

 private:
  // The variant to use, or why there is none.
  Result<const RoutedVariant*> ChooseVariant(const FleetSnapshot& fleet);
  void Send(const RoutedVariant& variant, const RoutedInstance& instance);
  void OnReply(const std::shared_ptr<InstanceLink>& link, TimePoint sent,
               std::expected<http::Response, net::SendError> reply);
  void OnAnswer(InstanceLink& link, http::Response response, Duration model_latency);
  void OnFailure(const net::SendError& error, Duration model_latency);
  void Record(InvokeOutcome outcome);
  void Refuse(const Status& status);

  const InvocationServices services_;
  const InvokeRequest request_;
  AnswerContext context_;
  std::function<void(http::Response)> finish_;
  const TimePoint arrived_;
  const TimePoint hold_until_;
  std::string variant_;             // chosen once, so that a retry stays with it
  std::vector<std::string> tried_;  // instance ids
  size_t instances_ = 1;            // of the variant, for InvocationsPerInstance
};

}  // namespace sarai::gateway
