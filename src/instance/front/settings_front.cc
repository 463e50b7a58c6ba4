#include "instance/front/settings_front.h"

#include <utility>

#include "instance/front/reply.h"
#include "wire/kserve/kserve.h"

namespace sarai::instance {
namespace {

constexpr char kRead[] = "GET", kWrite[] = "POST";

}  // namespace

SettingsFront::SettingsFront(ServerSettings& settings) : settings_(settings) {
  for (const char* const method : {kRead, kWrite}) {
    router_.Add(method, "/v2/trace/setting", Call::kTrace);
    router_.Add(method, "/v2/models/{model}/trace/setting", Call::kTrace);
    router_.Add(method, "/v2/logging", Call::kLog);
  }
}

bool SettingsFront::Serves(const http::Target& target) const {
  return router_.Find(kRead, target.segments).value != nullptr;
}

void SettingsFront::Handle(const http::Request& request, const http::Target& target,
                           http::Responder respond) {
  const auto match = router_.Find(request.method, target.segments);
  if (match.value == nullptr) return respond(NoRouteReply(request, match.allowed));
  if (*match.value == Call::kLog) return Log(request, std::move(respond));
  Trace(request, std::string(match.captures.Get("model")), std::move(respond));
}

void SettingsFront::Trace(const http::Request& request, std::string model,
                          http::Responder respond) {
  Result<kserve::TraceSettings> changes = kserve::TraceSettings();
  if (request.method == kWrite) changes = kserve::ParseTraceSettings(request.body.text());
  if (!changes)
    return respond(ErrorReply(kserve::HttpStatus(changes.error().code()), changes.error()));
  settings_.Trace(std::move(model), std::move(*changes),
                  [respond = std::move(respond)](Result<kserve::TraceSettings> now) mutable {
                    respond(now ? JsonReply(200, kserve::EncodeTraceSettings(*now))
                                : ErrorReply(kserve::HttpStatus(now.error().code()), now.error()));
                  });
}

void SettingsFront::Log(const http::Request& request, http::Responder respond) {
  Result<kserve::LogSettings> changes = kserve::LogSettings();
  if (request.method == kWrite) changes = kserve::ParseLogSettings(request.body.text());
  auto now = changes ? settings_.Log(*changes) : std::move(changes);
  respond(now ? JsonReply(200, kserve::EncodeLogSettings(*now))
              : ErrorReply(kserve::HttpStatus(now.error().code()), now.error()));
}

}  // namespace sarai::instance
