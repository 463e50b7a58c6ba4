// A gRPC call that came in by HTTP from a gateway (wire/kserve/grpc_over_http.h): the same methods
// answer it. It has one message; what it writes becomes the response, in frames once there may be
// more than one.
//
// Threads: any, as every call. Invariant: the HTTP request is answered exactly once.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "base/byte_stream.h"
#include "net/grpc/server.h"
#include "wire/http/message.h"
#include "wire/kserve/grpc_over_http.h"

namespace sarai::instance {

class CarriedCall final : public net::GrpcCall {
 public:
  // Precondition: kserve::grpc::IsCarriedCall(request.target).
  static net::GrpcCallPtr Make(http::Request request, TimePoint now, http::Responder respond);
  CarriedCall(http::Request request, TimePoint now, http::Responder respond);
  ~CarriedCall() override;

  const std::string& method() const override { return call_.method; }
  const net::GrpcMetadata& metadata() const override { return call_.metadata; }
  std::string peer() const override { return peer_; }
  TimePoint deadline() const override { return deadline_; }
  const CancellationPtr& cancellation() const override { return cancellation_; }

  void Read(OnMessage on_message) override;
  bool Write(net::GrpcMessage message) override;
  void FinishWith(net::GrpcMessage message, net::GrpcMetadata trailing) override;
  void Finish(net::GrpcStatus status, net::GrpcMetadata trailing) override;

 private:
  // The stream of frames, answered with at its first use; null: it is answered already.
  ByteStreamPtr Frames();
  // What answers at once, if nothing has been answered.
  http::Responder TakeResponder();

  const kserve::grpc::CarriedCall call_;
  const std::string peer_;
  const TimePoint deadline_;
  const CancellationPtr cancellation_ = std::make_shared<Cancellation>();

  std::mutex mu_;
  std::optional<Blob> message_;  // not read yet; guarded by mu_
  http::Responder respond_;      // empty: used; guarded by mu_
  ByteStreamPtr frames_;         // guarded by mu_
};

}  // namespace sarai::instance
