// What all instances say of a model or of their decisions, asked at once and put together.
//
//   GET /sarai/v1/decisions?model=NAME&since=TIME   newest 1000 at most, by time; `since` as "at"
//   is
//                                                   written, exclusive; our own starts and stops
//                                                   too
//   GET /sarai/v1/explain?model=NAME[&format=text]
//
// Owner: Control. Threads: Handle on the strand; the answers are gathered on the network's threads.
#pragma once

#include "base/clock.h"
#include "control/fleet.h"
#include "net/transport.h"
#include "telemetry/decision_log.h"
#include "wire/http/message.h"
#include "wire/http/uri.h"

namespace sarai::control {

class Explainer {
 public:
  Explainer(const Fleet& fleet, net::Transport& transport, const telemetry::DecisionLog& decisions)
      : fleet_(fleet), transport_(transport), decisions_(decisions) {}

  static bool Owns(const http::Target& target);
  void Handle(const http::Target& target, http::Responder respond);

 private:
  void Decisions(const http::Target& target, http::Responder respond);
  void Explain(const http::Target& target, http::Responder respond);

  const Fleet& fleet_;
  net::Transport& transport_;
  const telemetry::DecisionLog& decisions_;
};

}  // namespace sarai::control
