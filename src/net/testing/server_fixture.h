// A real server on loopback with the test's handler and options.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "net/event_loops.h"
#include "net/server.h"
#include "net/testing/raw_socket.h"

namespace sarai::net {

inline http::Response TextResponse(std::string text, int status = 200) {
  http::Response response;
  response.status = status;
  response.body.push_back(Blob::FromString(std::move(text)));
  return response;
}

// Answers "METHOD target body".
inline void Echo(http::Request request, http::Responder respond) {
  respond(
      TextResponse(request.method + " " + request.target + " " + std::string(request.body.text())));
}

class ServerFixture : public testing::Test {
 protected:
  void Start(Handler handler, ServerOptions options = {}) {
    auto server = HttpServer::Listen(*loops_, std::move(options), std::move(handler));
    ASSERT_TRUE(server.has_value()) << server.error().ToString();
    server_ = *std::move(server);
  }
  RawSocket Connect() { return RawSocket::Connect(server_->port()); }

  std::unique_ptr<EventLoops> loops_ = std::make_unique<EventLoops>(2);
  std::unique_ptr<HttpServer> server_;
};

}  // namespace sarai::net
