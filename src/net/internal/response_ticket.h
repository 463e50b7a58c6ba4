// The responder that the handler gets.
#pragma once

#include <memory>
#include <utility>

#include "net/internal/heads.h"
#include "net/internal/server_connection.h"

namespace sarai::net {

// From any thread, once. Whoever drops it unused answers 500.
class ResponseTicket {
 public:
  explicit ResponseTicket(std::shared_ptr<ServerConnection> connection)
      : connection_(std::move(connection)) {}
  ResponseTicket(ResponseTicket&&) noexcept = default;
  ResponseTicket& operator=(ResponseTicket&&) = delete;
  ~ResponseTicket() {
    if (connection_) Deliver(ErrorResponse(500, "the request was dropped without an answer"));
  }

  void operator()(http::Response response) {
    if (connection_) Deliver(std::move(response));
  }

 private:
  void Deliver(http::Response response) {
    const std::shared_ptr<ServerConnection> connection = std::move(connection_);
    if (connection->loop().OnThread()) return connection->Respond(std::move(response));
    const ByteStreamPtr stream = response.stream;
    Task respond = [connection, response = std::move(response)]() mutable {
      connection->Respond(std::move(response));
    };
    if (connection->loop().Post(respond)) return;
    // A stopped loop has closed the connection.
    if (stream) stream->Abandon();
  }

  std::shared_ptr<ServerConnection> connection_;
};

}  // namespace sarai::net
