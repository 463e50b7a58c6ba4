// One call of the gRPC server, between its handler and a completion queue.
//
// Its place: made by the server for each call it can take; the handler holds a GrpcCallHandle,
// gRPC's queue holds the call while an operation of it is under way. Threads: any. Invariant: once
// gRPC has said that the call is done, no operation is started, and when the last one has ended
// gRPC's part is gone, whoever still holds a handle.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>

#include <grpcpp/generic/async_generic_service.h>

#include "net/grpc/messages.h"
#include "net/grpc/server.h"

namespace sarai::net {

class GrpcServerCall;

// What the completion queue hands back.
struct GrpcTag {
  enum class Kind { kArrived, kDone, kRead, kWrite, kFinish };
  Kind kind;
  std::shared_ptr<GrpcServerCall> call;  // while the operation is under way
};

class GrpcServerCall : public std::enable_shared_from_this<GrpcServerCall> {
 public:
  struct Host {
    grpc::AsyncGenericService* service;
    uint64_t max_unsent_bytes;
    std::function<void(std::shared_ptr<GrpcServerCall>)> on_arrival;
    std::function<void()> on_end;  // gRPC's part of a call, or of waiting for one, is gone
  };
  GrpcServerCall(const Host& host, grpc::ServerCompletionQueue* queue);

  void Await();                         // the next call that arrives on the queue
  void OnEvent(GrpcTag& tag, bool ok);  // on a thread of the server

  void Read(GrpcCall::OnMessage on_message);
  bool Write(GrpcMessage message);
  void FinishWith(GrpcMessage message, GrpcMetadata trailing);
  void Finish(GrpcStatus status, GrpcMetadata trailing);

  const std::string& method() const { return method_; }
  const GrpcMetadata& metadata() const { return metadata_; }
  const std::string& peer() const { return peer_; }
  TimePoint deadline() const { return deadline_; }
  const CancellationPtr& cancellation() const { return cancellation_; }

 private:
  struct Rpc {
    grpc::GenericServerContext context;
    grpc::GenericServerAsyncReaderWriter stream{&context};
    grpc::ByteBuffer incoming;
  };

  void Arrived(bool ok);
  void Done();
  void HasRead(bool ok);
  void HasWritten(bool ok);
  void* Begin(GrpcTag& tag);  // mu_ held
  void SendNext();            // mu_ held
  void End();                 // of one operation

  const Host& host_;
  grpc::ServerCompletionQueue* const queue_;
  GrpcTag arrived_{GrpcTag::Kind::kArrived, nullptr}, done_tag_{GrpcTag::Kind::kDone, nullptr},
      read_{GrpcTag::Kind::kRead, nullptr}, write_{GrpcTag::Kind::kWrite, nullptr},
      finish_{GrpcTag::Kind::kFinish, nullptr};

  // Set before the handler sees the call.
  std::string method_, peer_;
  GrpcMetadata metadata_;
  TimePoint deadline_ = TimePoint::max();
  const CancellationPtr cancellation_ = std::make_shared<Cancellation>();

  std::mutex mu_;
  std::unique_ptr<Rpc> rpc_;          // guarded by mu_
  int operations_ = 0;                // under way; guarded by mu_
  bool done_ = false;                 // guarded by mu_
  bool writing_ = false;              // guarded by mu_
  bool finished_ = false;             // asked for; guarded by mu_
  std::deque<GrpcMessage> unsent_;    // the first is being sent if writing_; guarded by mu_
  uint64_t unsent_bytes_ = 0;         // guarded by mu_
  std::optional<GrpcStatus> status_;  // to be sent after unsent_; guarded by mu_
  GrpcCall::OnMessage on_message_;    // guarded by mu_
};

// The handler's share: a call that is dropped without an end gets one.
class GrpcCallHandle final : public GrpcCall {
 public:
  explicit GrpcCallHandle(std::shared_ptr<GrpcServerCall> call) : call_(std::move(call)) {}
  ~GrpcCallHandle() override {
    call_->Finish({.code = 13, .message = "the call was dropped without an answer"}, {});
  }
  const std::string& method() const override { return call_->method(); }
  const GrpcMetadata& metadata() const override { return call_->metadata(); }
  std::string peer() const override { return call_->peer(); }
  TimePoint deadline() const override { return call_->deadline(); }
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
