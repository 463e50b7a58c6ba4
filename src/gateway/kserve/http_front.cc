#include "gateway/kserve/http_front.h"

#include <algorithm>
#include <utility>

#include "base/strings.h"
#include "gateway/kserve/answers.h"
#include "gateway/kserve/gather.h"
#include "gateway/kserve/http_errand.h"
#include "gateway/kserve/repository_index.h"
#include "gateway/kserve/statistics.h"
#include "wire/http/text_of.h"
#include "wire/http/uri.h"
#include "wire/kserve/kserve.h"
#include "wire/kserve/management.h"

namespace sarai::gateway {
namespace {

using Kind = HttpCall::Kind;

constexpr int kForbidden = 403;
constexpr uint64_t kMaxLoadBytes = 1 << 20;
constexpr std::string_view kNextHeader = "sarai-next";

http::Response Json(std::string body) {
  http::Response response;
  response.headers.Set("Content-Type", "application/json");
  response.body.push_back(Blob::FromString(std::move(body)));
  return response;
}

http::Response Forbidden(const Status& why) {
  http::Response response = KserveError(why);
  response.status = kForbidden;
  return response;
}

}  // namespace

void HttpFront::Handle(http::Request request, http::Responder respond) const {
  auto call = ParseHttpCall(request);
  if (!call) return respond(KserveError(call.error()));
  if (const Status allowed = Allowed(*call, request); !allowed.ok())
    return respond(Forbidden(allowed));
  if (call->endpoint.empty()) call->endpoint = request.headers.Get(kEndpointHeader);
  if (call->kind == Kind::kLive || call->kind == Kind::kReady)
    return Ready(*call, std::move(respond));
  if (call->endpoint.empty()) {
    auto only = dispatcher_->OnlyEndpoint();
    if (!only) return respond(KserveError(only.error()));
    call->endpoint = std::move(*only);
  }
  switch (call->kind) {
    case Kind::kIndex: return Index(*call, request, std::move(respond));
    case Kind::kStatistics:
      return Statistics(std::move(*call), std::move(request), std::move(respond));
    case Kind::kLoad: return Load(std::move(*call), std::move(request), std::move(respond));
    case Kind::kUnload: return respond(KserveError(NoUnload()));
    case Kind::kUnserved: return respond(KserveError(NotAtEndpoints("this part of the protocol")));
    default: return Route(std::move(*call), std::move(request), std::move(respond));
  }
}

Status HttpFront::Allowed(const HttpCall& call, const http::Request& request) const {
  const auto* const secret = dispatcher_->options().kserve.http_restrictions.Of(call.category);
  if (secret == nullptr) return {};
  const std::string_view given = request.headers.Get(secret->key);
  if (given.data() != nullptr && given == secret->value) return {};
  return MakeStatus(Code::kPermissionDenied, "This API is restricted, expecting header '{}'",
                    secret->key);
}

void HttpFront::Route(HttpCall call, http::Request request, http::Responder respond) const {
  dispatcher_->Start(
      MakeHttpErrand(std::move(call), std::move(request), new_id_(), std::move(respond)));
}

// A load is a prefetch: the model comes to the instance that requests for it will go to.
void HttpFront::Load(HttpCall call, http::Request request, http::Responder respond) const {
  const auto load = kserve::ParseLoadRequest(request.body.text(), kMaxLoadBytes);
  if (!load) return respond(KserveError(load.error()));
  if (!load->config_json.empty() || !load->files.empty())
    return respond(KserveError(NoOverrides()));
  Route(std::move(call), std::move(request), std::move(respond));
}

void HttpFront::Ready(const HttpCall& call, http::Responder respond) const {
  const Status status = EndpointReady(*dispatcher_, call.endpoint);
  const bool lives = status.ok() || status.code() == Code::kUnavailable;
  if (status.ok() || (lives && call.kind == Kind::kLive)) return respond(http::Response());
  respond(KserveError(status));
}

void HttpFront::Index(const HttpCall& call, const http::Request& request,
                      http::Responder respond) const {
  const auto target = http::ParseTarget(request.target);
  const size_t most = dispatcher_->options().kserve.max_index_entries;
  const auto limit = ParseInt(target->Query("limit"));
  const size_t page_size = limit && *limit > 0 ? std::min(most, static_cast<size_t>(*limit)) : most;
  http::Request question{.method = "POST", .target = "/v2/repository/index", .body = request.body};
  AskAll(*dispatcher_, call.endpoint, question,
         [page_size, after = std::string(target->Query("after")),
          respond = std::move(respond)](Result<std::vector<http::Response>> answers) mutable {
           if (!answers) return respond(KserveError(answers.error()));
           const IndexPage page = PageOf(MergeIndexes(*answers), after, page_size);
           http::Response response = Json(kserve::EncodeRepositoryIndex(page.entries));
           if (!page.next.empty())
             response.headers.Set(kNextHeader, http::PercentEncode(page.next));
           respond(std::move(response));
         });
}

// A model that no instance holds is asked of the one that requests for it would go to.
void HttpFront::Statistics(HttpCall call, http::Request request, http::Responder respond) const {
  const http::Request question{.method = "GET", .target = call.target};
  auto pass_on = [*this, call, request = std::move(request)](http::Responder respond) mutable {
    Route(std::move(call), std::move(request), std::move(respond));
  };
  AskHolders(*dispatcher_, call.endpoint, call.model, question,
             [pass_on = std::move(pass_on), one = !call.model.empty(),
              respond = std::move(respond)](Result<std::vector<http::Response>> answers) mutable {
               if (!answers && one) return pass_on(std::move(respond));
               if (!answers) return respond(KserveError(answers.error()));
               respond(Json(kserve::EncodeStatistics(SumStatistics(*answers))));
             });
}

}  // namespace sarai::gateway
