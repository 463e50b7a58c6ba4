// An HTTP server for tests that answers as it is told to, also wrongly. One connection at a time,
// one request each, on a port that the kernel picks.
#pragma once

#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/unique_fd.h"
#include "wire/http/message.h"

namespace sarai::store {

class TestHttpServer {
 public:
  // Returns the bytes to send, status line and all; called on the server's thread.
  using Script = std::function<std::string(const http::Request& request, int index)>;

  explicit TestHttpServer(Script script);
  ~TestHttpServer();

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  std::vector<http::Request> requests() const;

  // A whole reply; `headers` end in "\r\n" each.
  static std::string Reply(int status, const std::string& body, const std::string& headers = "");

 private:
  void Run();
  void Serve(int connection);

  const Script script_;
  UniqueFd listener_;
  int port_ = 0;
  mutable std::mutex mu_;
  std::vector<http::Request> requests_;  // guarded by mu_
  std::thread thread_;
};

}  // namespace sarai::store
