#include "gateway/kserve/http_errand.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/strings.h"
#include "gateway/kserve/answers.h"
#include "wire/kserve/kserve.h"
#include "wire/kserve/routing_fields.h"
#include "wire/mme/mme.h"

namespace sarai::gateway {
namespace {

// Fields that speak of one connection (RFC 9110 §7.6.1) or of whom the message was meant for.
constexpr std::array<std::string_view, 9> kNotPassedOn = {
    "host",    "connection", "keep-alive",    "proxy-connection", "te",
    "trailer", "upgrade",    kEndpointHeader, kVariantHeader};

kserve::SequenceUse SequenceOf(const HttpCall& call, const http::Request& request) {
  if (call.kind != HttpCall::Kind::kInfer) return {};
  // What is compressed is not looked into: its sequence is routed like any request.
  if (!request.headers.Get("Content-Encoding").empty()) return {};
  const auto json_size = kserve::JsonSizeFromHeaders(request.headers, request.body.size());
  if (!json_size) return {};
  return kserve::SequenceOf(request.body.text().substr(0, json_size->value_or(std::string::npos)));
}

Route RouteOf(const HttpCall& call, const http::Request& request) {
  kserve::SequenceUse sequence = SequenceOf(call, request);
  return {.endpoint = call.endpoint,
          .variant = std::string(request.headers.Get(kVariantHeader)),
          .model = call.model,
          .sequence = std::move(sequence.id),
          .sequence_ends = sequence.ends,
          .counted = call.kind == HttpCall::Kind::kInfer};
}

class HttpErrand final : public Errand {
 public:
  HttpErrand(HttpCall call, http::Request request, std::string request_id, http::Responder respond)
      : Errand(RouteOf(call, request)),
        call_(std::move(call)),
        request_(std::move(request)),
        request_id_(std::move(request_id)),
        respond_(std::move(respond)) {}

  http::Request Outgoing(const FleetVariant&, const std::string& instance) override {
    instance_ = instance;
    http::Request out{.method = request_.method, .target = call_.target, .body = request_.body};
    for (const auto& [name, value] : request_.headers.fields())
      if (std::ranges::none_of(kNotPassedOn, [&name = name](std::string_view other) {
            return EqualsIgnoreCase(name, other);
          }))
        out.headers.Add(name, value);
    out.headers.Set(kRequestIdHeader, request_id_);
    return out;
  }

  net::SendOptions Sending(std::chrono::milliseconds timeout) const override {
    return {.timeout = timeout, .stream = call_.streams, .cancellation = request_.cancellation};
  }

  void Deliver(http::Response answer) override {
    answer.headers.Set(mme::kInstanceHeader, instance_);
    answer.headers.Set(kRequestIdHeader, request_id_);
    Respond(std::move(answer));
  }
  void Fail(const net::SendError& error) override { Refuse(WhyNoAnswer(error)); }
  void Refuse(const Status& status) override {
    http::Response response = KserveError(AsUnavailable(status));
    if (!instance_.empty()) response.headers.Set(mme::kInstanceHeader, instance_);
    response.headers.Set(kRequestIdHeader, request_id_);
    Respond(std::move(response));
  }

 private:
  // A streamed answer keeps this errand; this errand then keeps nothing of its reader's.
  void Respond(http::Response response) { std::exchange(respond_, nullptr)(std::move(response)); }

  const HttpCall call_;
  const http::Request request_;
  const std::string request_id_;
  std::string instance_;
  http::Responder respond_;
};

}  // namespace

http::Response KserveError(const Status& status) {
  http::Response response{.status = kserve::HttpStatus(status.code())};
  response.headers.Set("Content-Type", "application/json");
  response.headers.Set(mme::kErrorCodeHeader, std::string(CodeName(status.code())));
  response.body.push_back(Blob::FromString(kserve::ErrorBody(status.message())));
  return response;
}

std::unique_ptr<Errand> MakeHttpErrand(HttpCall call, http::Request request, std::string request_id,
                                       http::Responder respond) {
  return std::make_unique<HttpErrand>(std::move(call), std::move(request), std::move(request_id),
                                      std::move(respond));
}

}  // namespace sarai::gateway
