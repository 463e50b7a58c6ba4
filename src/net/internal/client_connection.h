// One connection to a peer, used for one exchange after the other.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "net/internal/buffers.h"
#include "net/internal/client_pool.h"
#include "net/internal/deadline.h"
#include "net/internal/message_parser.h"
#include "net/internal/socket.h"

namespace sarai::net {

//   kConnecting -> kBusy <-> kIdle,  all -> kClosed
//
// A streamed answer is given to the caller when its head is there; its body then goes into a
// ByteStream, and reading pauses while more than kStreamAheadBytes of it wait there.
//
// Owned by its pool until it closes. On its loop only. Invariant: from the connection on, one read
// is always pending, except in that pause; so an answer is seen without a further call, and a peer
// that closes an idle connection takes it out of the pool.
class ClientConnection final : public std::enable_shared_from_this<ClientConnection> {
 public:
  ClientConnection(std::shared_ptr<ClientPool> pool, std::string address);

  const std::string& address() const { return address_; }
  // A fresh connection's first exchange; a parked one's next.
  void Connect(std::unique_ptr<Exchange> exchange);
  void Reuse(std::unique_ptr<Exchange> exchange);
  void Stop();
  void OnDeadline();

 private:
  enum class State { kConnecting, kBusy, kIdle, kClosed };
  // The connection is broken, as opposed to: the exchange took too long, or was refused.
  enum class Failure { kBroken, kOther };

  void ResolveName(const std::string& host, const std::string& port);
  void ConnectTo(const std::vector<tcp::endpoint>& peers);
  void OnConnected(ErrorCode error);
  void ShakeHands();
  void FailToConnect(ErrorCode error);
  void Start();
  void Begin();
  void Take(std::unique_ptr<Exchange> exchange);
  // A callback for other threads: `what` is done on the loop, unless the exchange has ended by
  // then.
  std::move_only_function<void()> Later(void (ClientConnection::*what)());
  void OnCancelled();
  void Write();
  void Read();
  std::span<char> ReadRoom();
  void OnRead(ErrorCode error, size_t count);
  void OnEndOfStream(ErrorCode error);
  void OnBytes();
  // Parse what is there; true when the response is complete. Failed exchanges close.
  bool ParseResponse();
  bool ParseHeader();
  bool ParseBody();
  bool Refuse(ErrorCode error);
  void Complete();
  http::Response TakeResponse();
  bool StartStream();
  void PassOnBody();
  bool StreamLags();
  void OnRoomInStream();
  void Fail(Status status, Failure failure);
  void Close();

  const std::shared_ptr<ClientPool> pool_;  // first: it keeps the loop that the rest needs
  const std::string address_;
  const bool tls_;
  const std::string authority_;  // the address as "host:port"
  std::string host_;
  Socket socket_;
  Deadline<ClientConnection> deadline_;
  State state_ = State::kConnecting;

  std::unique_ptr<Exchange> exchange_;  // in kConnecting and kBusy
  uint64_t exchange_number_ = 0;        // tells it from the ones before
  bool reused_ = false;
  bool byte_received_ = false;
  bool write_failed_ = false;
  bool write_pending_ = false;
  uint64_t body_bytes_ = 0;  // announced; what is missing is read straight into the body
  bool reads_body_ = false;  // that the pending read goes there
  OutgoingMessage out_;
  ReadBuffer in_;
  std::optional<ResponseParser> parser_;
};

}  // namespace sarai::net
