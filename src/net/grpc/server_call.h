// One call of the gRPC server, between its handler and its connection.
//
// Its place: made by the connection for each request; the connection owns it until the stream has
// closed, the handler holds a GrpcCallHandle. Threads: the handler's methods from any; all else on
// the connection's loop. Invariant: on_message is called on the loop while the call lives, and
// once with nothing after that.
#pragma once

#include <atomic>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>

#include "net/grpc/framing.h"
#include "net/grpc/http2_session.h"
#include "net/grpc/server.h"

namespace sarai::net {

class GrpcConnection;

// What the request's head says.
struct GrpcCallHead {
  std::string method, peer;
  GrpcMetadata metadata;
  TimePoint deadline = TimePoint::max();
  http::ContentEncoding request_encoding = http::ContentEncoding::kIdentity;
  http::ContentEncoding response_encoding = http::ContentEncoding::kIdentity;
};

class GrpcServerCall : public std::enable_shared_from_this<GrpcServerCall> {
 public:
  GrpcServerCall(std::shared_ptr<GrpcConnection> connection, int32_t stream, GrpcCallHead head,
                 const GrpcServerOptions& options);

  // What the handler does, as in GrpcCall.
  void Read(GrpcCall::OnMessage on_message);
  bool Write(GrpcMessage message);
  void FinishWith(GrpcMessage message, GrpcMetadata trailing);
  void Finish(GrpcStatus status, GrpcMetadata trailing);
  const GrpcCallHead& head() const { return head_; }
  const CancellationPtr& cancellation() const { return cancellation_; }

  // What comes from the client.
  void OnData(std::span<const std::byte> bytes);
  void OnRequestEnd();
  void OnSent(size_t bytes);
  void OnClosed();
  void OnDeadline();

  // Hands the next message to the handler and the handler's answers to the session.
  void Advance(Http2Session& session);

 private:
  void Schedule();
  void Fail(GrpcStatus status);
  bool TakeMessage(Http2Session& session);
  void SendAnswers(Http2Session& session);
  void SendEnd(Http2Session& session, const GrpcStatus& status, const GrpcMetadata& trailing);
  bool Enqueue(GrpcMessage message);  // mu_ held

  const std::shared_ptr<GrpcConnection> connection_;
  const int32_t stream_;
  const GrpcCallHead head_;
  const uint64_t max_unsent_bytes_;
  const CancellationPtr cancellation_ = std::make_shared<Cancellation>();

  // On the loop.
  GrpcMessageReader reader_;
  std::deque<Blob> received_;
  size_t unconsumed_bytes_ = 0;  // of messages behind the one being waited for
  bool request_ended_ = false, head_sent_ = false, end_sent_ = false;

  std::atomic<bool> posted_ = false;  // a task for the loop is under way

  std::mutex mu_;
  GrpcCall::OnMessage on_message_;    // guarded by mu_
  std::deque<GrpcMessage> unsent_;    // framed; guarded by mu_
  uint64_t unsent_bytes_ = 0;         // also of what the session holds; guarded by mu_
  std::optional<GrpcStatus> status_;  // to be sent after unsent_; guarded by mu_
  GrpcMetadata trailing_;             // guarded by mu_
  bool finished_ = false;             // by the handler or a failure; guarded by mu_
  bool closed_ = false;               // guarded by mu_
};

// The handler's share: a call that is dropped without an end gets one.
class GrpcCallHandle final : public GrpcCall {
 public:
  explicit GrpcCallHandle(std::shared_ptr<GrpcServerCall> call) : call_(std::move(call)) {}
  ~GrpcCallHandle() override {
    call_->Finish({.code = 13, .message = "the call was dropped without an answer"}, {});
  }
  const std::string& method() const override { return call_->head().method; }
  const GrpcMetadata& metadata() const override { return call_->head().metadata; }
  std::string peer() const override { return call_->head().peer; }
  TimePoint deadline() const override { return call_->head().deadline; }
  const CancellationPtr& cancellation() const override { return call_->cancellation(); }
  void Read(OnMessage on_message) override { call_->Read(std::move(on_message)); }
  bool Write(GrpcMessage message) override { return call_->Write(std::move(message)); }
  void FinishWith(GrpcMessage message, GrpcMetadata trailing) override {
    call_->FinishWith(std::move(message), std::move(trailing));
  }
  void Finish(GrpcStatus status, GrpcMetadata trailing) override {
    call_->Finish(std::move(status), std::move(trailing));
  }

 private:
  const std::shared_ptr<GrpcServerCall> call_;
};

}  // namespace sarai::net
