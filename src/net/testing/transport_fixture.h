// A transport on one loop, and a peer that the test plays by hand.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <future>
#include <memory>
#include <string>
#include <utility>

#include "net/testing/server_fixture.h"
#include "net/transport.h"

namespace sarai::net {

using Outcome = std::expected<http::Response, SendError>;

inline constexpr const char* kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

inline http::Request Get(std::string target = "/") {
  return {.method = "GET", .target = std::move(target)};
}

// A wrong success must fail the expectation, not be undefined.
inline SendError ErrorOf(const Outcome& outcome) {
  if (!outcome) return outcome.error();
  ADD_FAILURE() << "answered " << outcome->status;
  return {Status(Code::kInternal, "no error"), false};
}

inline std::string BodyOf(const http::Response& response) {
  std::string body;
  for (const Blob& part : response.body) body += part.text();
  return body;
}

class TransportFixture : public ServerFixture {
 protected:
  std::future<Outcome> Send(http::Request request, SendOptions options = {}) {
    auto promise = std::make_shared<std::promise<Outcome>>();
    auto future = promise->get_future();
    transport_->Send(peer_.address(), std::move(request), options,
                     [promise](Outcome outcome) { promise->set_value(std::move(outcome)); });
    return future;
  }
  // Sends and has `play` act as the peer of the one connection meanwhile.
  Outcome SendTo(const std::function<void(RawSocket&)>& play, http::Request request = Get(),
                 SendOptions options = {}) {
    auto outcome = Send(std::move(request), options);
    RawSocket peer = peer_.Accept();
    play(peer);
    return outcome.get();
  }

  RawListener peer_;
  std::unique_ptr<EventLoops> one_loop_ = std::make_unique<EventLoops>(1);
  std::unique_ptr<Transport> transport_ = MakeHttpTransport(*one_loop_);
};

}  // namespace sarai::net
