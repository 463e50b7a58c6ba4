#include "gateway/gateway.h"

#include <utility>

#include "gateway/dispatcher.h"
#include "gateway/invoke_errand.h"
#include "gateway/kserve/grpc_front.h"
#include "gateway/kserve/http_front.h"
#include "wire/sigv4/sigv4.h"

namespace sarai::gateway {

struct Gateway::Parts {
  std::shared_ptr<Dispatcher> dispatcher;
  std::function<std::string()> new_id;
  HttpFront http;
  GrpcFront grpc;

  void Invoke(const http::Request& request, http::Responder respond);
};

void Gateway::Parts::Invoke(const http::Request& request, http::Responder respond) {
  std::string request_id = new_id();
  auto invoke = ParseInvoke(request, dispatcher->options().max_body_bytes);
  if (!invoke) return respond(Refusal(invoke.error(), request_id));
  AnswerContext context{.account = dispatcher->options().account,
                        .region = sigv4::RegionOf(request).value_or("us-east-1"),
                        .request_id = std::move(request_id)};
  dispatcher->Start(MakeInvokeErrand(std::move(*invoke), std::move(context), std::move(respond)));
}

Gateway::Gateway(GatewayOptions options, net::Transport& transport, Executor& timers,
                 const Clock& clock, telemetry::Registry& registry, MetricSink metrics,
                 std::function<double()> uniform, std::function<std::string()> new_id)
    : parts_([&] {
        auto dispatcher =
            std::make_shared<Dispatcher>(std::move(options), transport, timers, clock, registry,
                                         std::move(metrics), std::move(uniform));
        return std::make_unique<Parts>(Parts{.dispatcher = dispatcher,
                                             .new_id = new_id,
                                             .http = HttpFront(dispatcher, new_id),
                                             .grpc = GrpcFront(dispatcher, new_id)});
      }()) {
  parts_->dispatcher->FlushMetrics();
}

Gateway::~Gateway() { Stop(); }

bool Gateway::Owns(const http::Request& request) {
  return request.target.starts_with("/endpoints/") || HttpFront::Owns(request);
}

void Gateway::Handle(http::Request request, http::Responder respond) {
  if (HttpFront::Owns(request)) return parts_->http.Handle(std::move(request), std::move(respond));
  parts_->Invoke(request, std::move(respond));
}

void Gateway::HandleGrpc(net::GrpcCallPtr call) { parts_->grpc.Handle(std::move(call)); }

void Gateway::Publish(FleetViewPtr fleet) { parts_->dispatcher->Publish(*fleet); }

void Gateway::BeginDrain() { parts_->grpc.BeginDrain(); }

void Gateway::Stop() {
  BeginDrain();
  parts_->dispatcher->Stop();
}

}  // namespace sarai::gateway
