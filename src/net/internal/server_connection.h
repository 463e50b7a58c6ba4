// One client's connection to the server.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "net/internal/buffers.h"
#include "net/internal/deadline.h"
#include "net/internal/message_parser.h"
#include "net/internal/server_loop.h"
#include "net/internal/socket.h"
#include "wire/http/message.h"

namespace sarai::net {

// Reads a request, has it handled, writes the answer, and again:
//
//   kHandshake (over TLS) -> kIdle
//   kIdle -> kHeader -> kSizedBody | kChunkedBody -> kHandling -> kWriting -> kIdle
//                  \-> kWriting (a refusal) -------------------------------> kLingering -> kClosed
//
// Owned by its ServerLoop until it closes, and by the responder of the request being handled.
// On its loop only. Invariants: at most one read and one write are pending. While a request is
// handled or its body is still being made, a read is pending, which sees the client leave and is
// the next request's; a client that pipelines fills kReadAheadBytes and then waits in the kernel.
class ServerConnection final : public Connection,
                               public std::enable_shared_from_this<ServerConnection> {
 public:
  ServerConnection(std::shared_ptr<ServerLoop> service, tcp::socket socket,
                   std::shared_ptr<const Handler> handler);

  void Start() override;
  // The answer to the request being handled.
  void Respond(http::Response response);
  // Closes if nothing is asked; otherwise the next answer is the last.
  void BeginDrain() override;
  void Close() override;
  void OnDeadline();
  Loop& loop() { return service_->loop(); }

 private:
  enum class State {
    kHandshake,    // of TLS
    kIdle,         // no byte of the next request is there
    kHeader,       // some are
    kContinue,     // writing "100 Continue"
    kSizedBody,    // reading a body of announced length
    kChunkedBody,  // reading chunks
    kHandling,     // the handler has the request
    kWriting,      // the answer leaves, or its next part is still being made
    kLingering,    // reads and drops what the client still sends, so that it gets our last words
    kClosed,
  };
  // Why a request is not handled.
  struct Refusal {
    int status;
    std::string_view message;
  };

  // Takes steps until one has to wait for the socket or the handler.
  void Advance();
  bool Step();
  bool StepHeader();
  bool StepSizedBody();
  bool StepChunkedBody();
  bool StepHandling();
  bool StepWrite();
  bool StepStream();
  bool StepLinger();

  void OnHandshake(ErrorCode error);
  void StartRequest();
  std::optional<Refusal> FindFault() const;
  bool StartBody();
  void Dispatch();
  void CallHandler(http::Request request);
  bool Refuse(Refusal refusal);
  bool RefuseUnparsable(ErrorCode error);
  void StartResponse(http::Response response);
  void StartStream(std::string& head);
  bool TakeFromStream();
  void SealStream(std::string& head);
  void OnMoreInStream();
  void FinishResponse();
  void CutStream();
  void StartLingering();
  bool KeepsAlive() const;

  // These begin an operation that calls Advance when it is done, and return false.
  bool ReadIntoBuffer(size_t wanted);
  bool MayRead();
  bool ReadIntoBody();
  bool WritePending();
  void OnRead(ErrorCode error);
  void OnReadWhileAnswering(ErrorCode error);
  void WatchClient();
  void OnWritten(ErrorCode error, size_t count);

  const std::shared_ptr<ServerLoop> service_;  // first: it keeps the loop that the rest needs
  const std::shared_ptr<const Handler> handler_;
  Socket socket_;
  const std::string peer_;
  Deadline<ServerConnection> deadline_;
  State state_ = State::kIdle;
  bool advancing_ = false;  // Respond inside the handler must not start a second Advance

  ReadBuffer in_;
  std::optional<RequestParser> parser_;
  uint64_t body_bytes_ = 0;  // announced, in kSizedBody

  bool keep_alive_ = true;     // what request and server want of the connection after the answer
  bool request_read_ = false;  // to its last byte; otherwise the connection can not go on
  bool is_head_ = false;
  int version_ = 11;
  bool timed_out_ = false;  // while reading
  bool read_pending_ = false;
  bool write_pending_ = false;
  bool tried_write_ = false;
  bool client_ended_ = false;     // it sends no more
  CancellationPtr cancellation_;  // of the request being answered
  http::Response response_;       // owns the parts being written
  bool stream_ended_ = false;     // all of response_.stream has been taken
  Status stream_failure_;         // why it is not whole
  OutgoingMessage out_;
};

}  // namespace sarai::net
