#include "gateway/kserve/grpc_errand.h"

#include <algorithm>
#include <utility>

#include "gateway/kserve/answers.h"
#include "wire/http/text_of.h"
#include "wire/kserve/grpc_codec.h"
#include "wire/mme/mme.h"

namespace sarai::gateway {
namespace {

namespace codec = kserve::grpc;

constexpr int kUnavailable = 14, kInternal = 13;

class GrpcErrand final : public Errand {
 public:
  GrpcErrand(UnaryCall unary, const Clock& clock)
      : Errand(std::move(unary.route)),
        call_(std::move(unary.call)),
        message_(std::move(unary.message)),
        request_id_(std::move(unary.request_id)),
        clock_(clock) {}

  http::Request Outgoing(const FleetVariant&, const std::string& instance) override {
    instance_ = instance;
    return CarryToInstance(*call_, message_, clock_.Now(), request_id_);
  }
  net::SendOptions Sending(std::chrono::milliseconds timeout) const override {
    return SendingFor(*call_, clock_.Now(), timeout);
  }

  void Deliver(http::Response answer) override {
    codec::CarriedEnd end = EndOf(answer);
    if (end.code == 0)
      return call_->FinishWith(std::move(answer.body), Trailing(std::move(end.trailing)));
    call_->Finish({.code = end.code, .message = std::move(end.message)},
                  Trailing(std::move(end.trailing)));
  }
  void Fail(const net::SendError& error) override { Refuse(WhyNoAnswer(error)); }
  void Refuse(const Status& status) override { call_->Finish(ToGrpc(status), Trailing({})); }

 private:
  net::GrpcMetadata Trailing(net::GrpcMetadata trailing) const {
    if (!instance_.empty()) trailing.Set(mme::kInstanceHeader, instance_);
    trailing.Set(kRequestIdHeader, request_id_);
    return trailing;
  }

  const net::GrpcCallPtr call_;
  const Blob message_;
  const std::string request_id_;
  const Clock& clock_;
  std::string instance_;
};

}  // namespace

net::GrpcStatus ToGrpc(const Status& status) {
  const Status told = AsUnavailable(status);
  return {.code = codec::GrpcCode(told.code()), .message = told.message()};
}

std::string EndpointOf(const net::GrpcCall& call) {
  return std::string(call.metadata().Get(kEndpointHeader));
}

std::string VariantOf(const net::GrpcCall& call) {
  return std::string(call.metadata().Get(kVariantHeader));
}

http::Request CarryToInstance(const net::GrpcCall& call, const Blob& message, TimePoint now,
                              const std::string& request_id) {
  codec::CarriedCall carried{.method = call.method()};
  for (const auto& [name, value] : call.metadata().fields())
    if (name != kEndpointHeader && name != kVariantHeader) carried.metadata.Add(name, value);
  if (call.deadline() != TimePoint::max())
    carried.timeout =
        std::chrono::microseconds(std::max<int64_t>(Microseconds(call.deadline() - now), 0));
  http::Request request = codec::CarryCall(carried, message);
  request.headers.Set(kRequestIdHeader, request_id);
  return request;
}

net::SendOptions SendingFor(const net::GrpcCall& call, TimePoint now,
                            std::chrono::milliseconds timeout) {
  if (call.deadline() != TimePoint::max()) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(call.deadline() - now);
    timeout = std::clamp(left, std::chrono::milliseconds(1), timeout);
  }
  return {.timeout = timeout, .cancellation = call.cancellation()};
}

codec::CarriedEnd EndOf(const http::Response& answer) {
  auto end = codec::ReadCarriedEnd(answer);
  if (end) return std::move(*end);
  constexpr int kServiceUnavailable =
      503;  // an instance that stops answers so, whatever it is asked
  if (answer.status == kServiceUnavailable)
    return {.code = kUnavailable, .message = http::TextOf(answer)};
  return {.code = kInternal, .message = end.error().message()};
}

std::unique_ptr<Errand> MakeGrpcErrand(UnaryCall call, const Clock& clock) {
  return std::make_unique<GrpcErrand>(std::move(call), clock);
}

}  // namespace sarai::gateway
