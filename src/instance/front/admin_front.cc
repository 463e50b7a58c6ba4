#include "instance/front/admin_front.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/strings.h"
#include "instance/front/reply.h"
#include "wire/mme/mme.h"

namespace sarai::instance {
namespace {

constexpr int64_t kMaxWaitMs = 60'000;

http::Response AdminError(const sarai::Status& why) {
  return ErrorReply(mme::HttpStatus(why.code()), why);
}

// A number that is not there, or is none, is 0.
uint64_t NumberOf(const http::Target& target, std::string_view name) {
  const std::string_view text = target.Query(name);
  return static_cast<uint64_t>(std::max<int64_t>(0, ParseInt(text).value_or(0)));
}

StatusCallback AnswerWith(http::Responder respond) {
  return [respond = std::move(respond)](sarai::Status status) mutable {
    respond(status.ok() ? JsonReply(200, "{}") : AdminError(status));
  };
}

}  // namespace

AdminFront::AdminFront(AdminFrontParts parts) : parts_(std::move(parts)) {
  router_.Add("GET", "/sarai/v1/residency", Call::kResidency);
  router_.Add("GET", "/sarai/v1/status", Call::kStatus);
  router_.Add("GET", "/sarai/v1/events", Call::kEvents);
  router_.Add("GET", "/sarai/v1/decisions", Call::kDecisions);
  router_.Add("GET", "/sarai/v1/explain", Call::kExplain);
  router_.Add("POST", "/sarai/v1/models/{model}/load", Call::kLoad);
  router_.Add("POST", "/sarai/v1/models/{model}/unload", Call::kUnload);
}

void AdminFront::Handle(http::Request request, const http::Target& target,
                        http::Responder respond) {
  const auto match = router_.Find(request.method, target.segments);
  if (match.value == nullptr) return respond(NoRouteReply(request, match.allowed));
  std::string model(match.captures.Get("model"));
  switch (*match.value) {
    case Call::kResidency: return Residency(target, std::move(respond));
    case Call::kStatus: return Status(std::move(respond));
    case Call::kEvents: return Events(target, std::move(respond));
    case Call::kDecisions: return Decisions(target, std::move(respond));
    case Call::kExplain: return Explain(target, std::move(respond));
    case Call::kLoad:
      if (const sarai::Status may = parts_.manager.MayControl(); !may.ok())
        return AnswerWith(std::move(respond))(may);
      return parts_.manager.Keep(std::move(model), AnswerWith(std::move(respond)));
    case Call::kUnload:
      return parts_.manager.Unload(std::move(model), /*with_steps=*/false,
                                   AnswerWith(std::move(respond)));
  }
}

void AdminFront::Residency(const http::Target& target, http::Responder respond) {
  const auto wait =
      std::chrono::milliseconds(std::min<uint64_t>(NumberOf(target, "wait_ms"), kMaxWaitMs));
  parts_.manager.Watch(NumberOf(target, "since"), wait,
                       [respond = std::move(respond)](ResidencySnapshotPtr snapshot) mutable {
                         respond(JsonReply(200, ResidencyJson(*snapshot)));
                       });
}

void AdminFront::Status(http::Responder respond) {
  parts_.manager.GetTotals(
      [status = parts_.status, respond = std::move(respond)](const Totals& totals) mutable {
        respond(JsonReply(200, StatusJson(status(totals))));
      });
}

void AdminFront::Events(const http::Target& target, http::Responder respond) {
  const uint64_t since = NumberOf(target, "since");
  respond(JsonReply(200, EventsJson(parts_.events.Since(since), since)));
}

void AdminFront::Decisions(const http::Target& target, http::Responder respond) {
  const uint64_t since = NumberOf(target, "since");
  const auto decisions = parts_.decisions.Since(since, target.Query("model"));
  respond(JsonReply(200, DecisionsJson(decisions, since)));
}

void AdminFront::Explain(const http::Target& target, http::Responder respond) {
  const std::string model(target.Query("model"));
  if (model.empty())
    return respond(AdminError(sarai::Status(Code::kInvalidArgument, "which? ?model=NAME")));
  const bool as_text = target.Query("format") == "text";
  parts_.manager.Explain(
      model, [model, as_text, id = parts_.instance_id, decisions = &parts_.decisions,
              respond = std::move(respond)](Result<Explanation> explanation) mutable {
        if (!explanation) return respond(AdminError(explanation.error()));
        const auto history = decisions->Since(0, model);
        if (!as_text) return respond(JsonReply(200, ExplainJson(*explanation, history, id)));
        http::Response response = EmptyReply(200);
        response.headers.Add("Content-Type", "text/plain; charset=utf-8");
        response.body.push_back(Blob::FromString(ExplainText(*explanation, history, id)));
        respond(std::move(response));
      });
}

}  // namespace sarai::instance
