// One gRPC client's connection: its socket, its HTTP/2 session, its calls.
#pragma once

#include <atomic>
#include <memory>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

#include "net/grpc/http2_session.h"
#include "net/grpc/keepalive.h"
#include "net/grpc/server_call.h"
#include "net/internal/deadline.h"
#include "net/internal/server_loop.h"
#include "net/internal/socket.h"

namespace sarai::net {

// What all connections of a server share.
struct GrpcService {
  const GrpcServerOptions options;
  const GrpcHandler handler;
  std::atomic<uint32_t> calls = 0;  // under way
};

// Owned by its ServerLoop until it closes, and by its calls. On its loop only. Invariants: at most
// one read and one write are pending; handlers are called from Work alone, never from inside the
// session.
class GrpcConnection final : public Connection,
                             public Http2Session::Listener,
                             public std::enable_shared_from_this<GrpcConnection> {
 public:
  GrpcConnection(std::shared_ptr<ServerLoop> loop, tcp::socket socket,
                 std::shared_ptr<GrpcService> service);

  void Start() override;
  void BeginDrain() override;
  void Close() override;
  void OnDeadline();

  Loop& loop() { return loop_->loop(); }
  // The call has something to hand over. On the loop.
  void Ready(std::shared_ptr<GrpcServerCall> call);

 private:
  void OnRequest(int32_t stream, Http2Request request) override;
  void OnData(int32_t stream, std::span<const std::byte> bytes) override;
  void OnRequestEnd(int32_t stream) override;
  void OnSent(int32_t stream, size_t bytes) override;
  void OnClosed(int32_t stream) override;
  void OnPing() override;
  void OnPong() override;

  void Greet();
  void Read();
  void OnRead(ErrorCode error, size_t count);
  void Work();
  void Linger();
  void CallHandlers();
  bool Write();
  void OnWritten(ErrorCode error, size_t count);
  void SetDeadline();
  void ExpireCalls(TimePoint now);
  void Retire();
  void Go();
  GrpcServerCall* Find(int32_t stream) const;
  void RefuseCall(int32_t stream, const GrpcStatus& status);

  const std::shared_ptr<ServerLoop> loop_;  // first: it keeps the loop that the rest needs
  const std::shared_ptr<GrpcService> service_;
  Socket socket_;
  const std::string peer_;
  Http2Session session_;
  Keepalive keepalive_;
  Deadline<GrpcConnection> deadline_;
  std::unordered_map<int32_t, std::shared_ptr<GrpcServerCall>> calls_;
  std::set<std::pair<TimePoint, int32_t>> call_deadlines_;
  std::vector<std::shared_ptr<GrpcServerCall>> arrived_;  // for the handler
  std::vector<std::shared_ptr<GrpcServerCall>> ready_;    // to be advanced
  TimePoint speak_by_;                                    // the client, its first bytes
  TimePoint retire_at_ = TimePoint::max();                // too old
  TimePoint go_at_ = TimePoint::max();                    // announced, to be done
  TimePoint close_at_ = TimePoint::max();                 // nobody waits any longer
  std::vector<char> in_;
  OutgoingBytes out_;
  bool leaving_ = false;    // the client has been told to go
  bool lingering_ = false;  // nothing is read or written any more but the client's end
  bool greeted_ = false, working_ = false, write_pending_ = false, closed_ = false;
};

}  // namespace sarai::net
