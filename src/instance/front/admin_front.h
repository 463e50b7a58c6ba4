// Sarai's own calls, for the gateway (residency feed), control (status, events) and people
// (decisions, explain, preload). Documented in the room's README.
//
// Threads: any; nothing here blocks.
#pragma once

#include <functional>
#include <string>

#include "instance/event_log.h"
#include "instance/front/admin_json.h"
#include "instance/model_manager.h"
#include "telemetry/decision_log.h"
#include "wire/http/message.h"
#include "wire/http/router.h"
#include "wire/http/uri.h"

namespace sarai::instance {

struct AdminFrontParts {
  std::string instance_id;
  ModelManager& manager;
  const EventLog& events;
  const telemetry::DecisionLog& decisions;
  std::function<StatusFacts(const Totals&)> status;
};

class AdminFront {
 public:
  explicit AdminFront(AdminFrontParts parts);

  void Handle(http::Request request, const http::Target& target, http::Responder respond);

 private:
  enum class Call { kResidency, kStatus, kEvents, kDecisions, kExplain, kLoad, kUnload };

  void Residency(const http::Target& target, http::Responder respond);
  void Status(http::Responder respond);
  void Events(const http::Target& target, http::Responder respond);
  void Decisions(const http::Target& target, http::Responder respond);
  void Explain(const http::Target& target, http::Responder respond);

  const AdminFrontParts parts_;
  http::Router<Call> router_;
};

}  // namespace sarai::instance
