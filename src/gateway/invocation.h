// One errand from its arrival to its end: choose an instance, send, perhaps send once more, hand on
// what came back.
//
// Lifetime: shared by the callbacks that carry it on; it ends with the last byte of its answer.
// Threads: one step at a time, each on the thread that brought the step about.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "gateway/dispatcher.h"

namespace sarai::gateway {

class Invocation : public std::enable_shared_from_this<Invocation> {
 public:
  Invocation(std::shared_ptr<Dispatcher> dispatcher, std::unique_ptr<Errand> errand);
  ~Invocation() { dispatcher_->Left(); }

  // First try, and each time the fleet has changed while it was held.
  void Try();
  // The hold is over: no instance came back in time.
  void GiveUp();

  TimePoint hold_until() const { return hold_until_; }

 private:
  // The variant to use, or why there is none.
  Result<const RoutedVariant*> ChooseVariant(const FleetSnapshot& fleet) const;
  // Null: none answers at the moment.
  const RoutedInstance* ChooseInstance(const RoutedVariant& variant) const;
  const RoutedInstance* PinnedInstance(const RoutedVariant& variant) const;
  void Wait();  // for the fleet to change
  void Send(const RoutedVariant& variant, const RoutedInstance& instance);
  void OnReply(const std::shared_ptr<InstanceLink>& link, TimePoint sent,
               std::expected<http::Response, net::SendError> reply);
  void OnAnswer(const std::shared_ptr<InstanceLink>& link, http::Response response,
                Duration model_latency);
  void OnFailure(const net::SendError& error, Duration model_latency);
  void Record(InvokeOutcome outcome);

  const std::shared_ptr<Dispatcher> dispatcher_;
  const std::unique_ptr<Errand> errand_;
  const TimePoint arrived_;
  const TimePoint hold_until_;
  const std::string sequence_key_;  // empty = it belongs to no sequence
  std::optional<SequencePins::Pin> pin_;
  std::string variant_;             // chosen once, so that a retry stays with it
  std::vector<std::string> tried_;  // instance ids
  bool held_ = false;               // has waited for the fleet to change
  size_t instances_ = 1;            // of the variant, for InvocationsPerInstance
};

}  // namespace sarai::gateway
