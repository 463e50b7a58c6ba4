#include "gateway/kserve/http_call.h"

#include <optional>
#include <span>
#include <vector>

#include "wire/http/uri.h"

namespace sarai::gateway {
namespace {

using Kind = HttpCall::Kind;
using kserve::ApiCategory;
using Segments = std::span<const std::string>;

// "v2", "v2/…", "v2?…"
bool IsV2(std::string_view rest) {
  if (!rest.starts_with("v2")) return false;
  rest.remove_prefix(2);
  return rest.empty() || rest.front() == '/' || rest.front() == '?';
}

struct Action {
  std::string_view name, method;
  Kind kind;
  ApiCategory category;
};
constexpr Action kActions[] = {
    {"infer", "POST", Kind::kInfer, ApiCategory::kInference},
    {"generate", "POST", Kind::kInfer, ApiCategory::kInference},
    {"generate_stream", "POST", Kind::kInfer, ApiCategory::kInference},
    {"ready", "GET", Kind::kModel, ApiCategory::kHealth},
    {"config", "GET", Kind::kModel, ApiCategory::kModelConfig},
    {"stats", "GET", Kind::kStatistics, ApiCategory::kStatistics},
};

const Action* FindAction(std::string_view method, std::string_view name) {
  for (const Action& action : kActions)
    if (action.name == name && action.method == method) return &action;
  return nullptr;
}

std::string Joined(Segments segments) {
  std::string name;
  for (const std::string& segment : segments) name += (name.empty() ? "" : "/") + segment;
  return name;
}

// After "v2/models/": NAME[/versions/V][/ACTION]
std::optional<HttpCall> ParseModelCall(std::string_view method, Segments rest) {
  HttpCall call{.kind = Kind::kModel};
  std::string tail;
  const Action* const action = rest.size() > 1 ? FindAction(method, rest.back()) : nullptr;
  if (action == nullptr && method != "GET") return std::nullopt;
  if (action != nullptr) {
    call.kind = action->kind;
    call.category = action->category;
    call.streams = action->name == "generate_stream";
    tail = "/" + rest.back();
    rest = rest.first(rest.size() - 1);
  }
  if (rest.size() > 2 && rest[rest.size() - 2] == "versions") {
    tail = "/versions/" + http::PercentEncode(rest.back()) + tail;
    rest = rest.first(rest.size() - 2);
  }
  call.model = Joined(rest);
  if (call.model.empty()) return std::nullopt;
  call.target = "/v2/models/" + http::PercentEncode(call.model) + tail;
  return call;
}

// After "v2/repository/".
std::optional<HttpCall> ParseRepositoryCall(std::string_view method, Segments rest) {
  HttpCall call{.category = ApiCategory::kModelRepository};
  if (method != "POST" || rest.empty()) return std::nullopt;
  if (rest.size() == 1 && rest[0] == "index") {
    call.kind = Kind::kIndex;
    return call;
  }
  if (rest.size() < 3 || rest[0] != "models") return std::nullopt;
  if (rest.back() != "load" && rest.back() != "unload") return std::nullopt;
  call.kind = rest.back() == "load" ? Kind::kLoad : Kind::kUnload;
  call.model = Joined(rest.subspan(1, rest.size() - 2));
  call.target = "/v2/repository/models/" + http::PercentEncode(call.model) + "/load";
  return call;
}

struct Unserved {
  std::string_view first;
  ApiCategory category;
};
constexpr Unserved kUnserved[] = {{"systemsharedmemory", ApiCategory::kSharedMemory},
                                  {"cudasharedmemory", ApiCategory::kSharedMemory},
                                  {"trace", ApiCategory::kTrace},
                                  {"logging", ApiCategory::kLogging}};

std::optional<HttpCall> ParseServerCall(std::string_view method, Segments rest) {
  for (const Unserved& part : kUnserved)
    if (rest[0] == part.first) return HttpCall{.kind = Kind::kUnserved, .category = part.category};
  if (method != "GET" || rest.size() != 2 || rest[0] != "health") return std::nullopt;
  if (rest[1] != "live" && rest[1] != "ready") return std::nullopt;
  return HttpCall{.kind = rest[1] == "live" ? Kind::kLive : Kind::kReady,
                  .category = ApiCategory::kHealth};
}

bool IsTraceOfModel(Segments rest) {
  return rest.size() > 3 && rest[rest.size() - 2] == "trace" && rest.back() == "setting";
}

// After "v2".
std::optional<HttpCall> ParseRest(std::string_view method, Segments rest) {
  if (!rest.empty() && rest.back().empty()) rest = rest.first(rest.size() - 1);  // "v2/"
  if (rest.empty())
    return method == "GET" ? std::optional(HttpCall{.target = "/v2"}) : std::nullopt;
  if (rest[0] == "repository") return ParseRepositoryCall(method, rest.subspan(1));
  if (rest[0] != "models") return ParseServerCall(method, rest);
  if (rest.size() == 2 && rest[1] == "stats" && method == "GET")
    return HttpCall{.kind = Kind::kStatistics,
                    .category = ApiCategory::kStatistics,
                    .target = "/v2/models/stats"};
  if (IsTraceOfModel(rest))
    return HttpCall{.kind = Kind::kUnserved, .category = ApiCategory::kTrace};
  return ParseModelCall(method, rest.subspan(1));
}

}  // namespace

bool IsKservePath(std::string_view target) {
  constexpr std::string_view kEndpoints = "/endpoints/";
  if (!target.starts_with(kEndpoints)) return target.starts_with('/') && IsV2(target.substr(1));
  target.remove_prefix(kEndpoints.size());
  const size_t end = target.find_first_of("/?#");
  return end != std::string_view::npos && target[end] == '/' && IsV2(target.substr(end + 1));
}

Result<HttpCall> ParseHttpCall(const http::Request& request) {
  SARAI_TRY(const http::Target target, http::ParseTarget(request.target));
  const bool named = target.segments.front() == "endpoints";
  const size_t prefix = named ? 3 : 1;
  std::optional<HttpCall> call;
  if (target.segments.size() >= prefix)
    call = ParseRest(request.method, Segments(target.segments).subspan(prefix));
  if (!call)
    return Error(Code::kNotFound, "no such resource: {} {}", request.method, request.target);
  if (named) call->endpoint = target.segments[1];
  if (!target.raw_query.empty() && !call->target.empty())
    call->target += "?" + std::string(target.raw_query);
  return *call;
}

}  // namespace sarai::gateway
