#include "store/test_http_server.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/strings.h"

namespace sarai::store {
namespace {

// Reads until `count` bytes are there; false when the peer ends before.
bool ReadMore(int connection, std::string& bytes, size_t count) {
  char buffer[4096];
  while (bytes.size() < count) {
    const ssize_t got = ::read(connection, buffer, sizeof buffer);
    if (got <= 0) return false;
    bytes.append(buffer, static_cast<size_t>(got));
  }
  return true;
}

http::Request ParseHead(std::string_view head) {
  http::Request request;
  const auto lines = Split(head, '\n');
  const auto words = Split(Trim(lines[0]), ' ');
  request.method = words.at(0);
  request.target = words.at(1);
  for (size_t i = 1; i < lines.size(); ++i) {
    const size_t colon = lines[i].find(':');
    if (colon == std::string_view::npos) continue;
    request.headers.Add(std::string(lines[i].substr(0, colon)),
                        std::string(Trim(lines[i].substr(colon + 1))));
  }
  return request;
}

}  // namespace

TestHttpServer::TestHttpServer(Script script) : script_(std::move(script)) {
  listener_ = UniqueFd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{.sin_family = AF_INET, .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
  socklen_t size = sizeof address;
  EXPECT_EQ(::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
  EXPECT_EQ(::listen(listener_.get(), 64), 0);
  ::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size);
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { Run(); });
}

TestHttpServer::~TestHttpServer() {
  ::shutdown(listener_.get(), SHUT_RDWR);
  thread_.join();
}

std::vector<http::Request> TestHttpServer::requests() const {
  std::lock_guard lock(mu_);
  return requests_;
}

std::string TestHttpServer::Reply(int status, const std::string& body, const std::string& headers) {
  return fmt::format("HTTP/1.1 {} Text\r\nContent-Length: {}\r\nConnection: close\r\n{}\r\n{}",
                     status, body.size(), headers, body);
}

void TestHttpServer::Run() {
  while (true) {
    const UniqueFd connection(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!connection.valid()) return;
    Serve(connection.get());
  }
}

void TestHttpServer::Serve(int connection) {
  std::string bytes;
  size_t end = std::string::npos;
  while ((end = bytes.find("\r\n\r\n")) == std::string::npos) {
    if (!ReadMore(connection, bytes, bytes.size() + 1)) return;
  }
  http::Request request = ParseHead(bytes.substr(0, end));
  const auto length = ParseInt(request.headers.Get("Content-Length"));
  if (length && !ReadMore(connection, bytes, end + 4 + static_cast<size_t>(*length))) return;
  request.body = Blob::FromString(bytes.substr(end + 4));
  int index = 0;
  {
    std::lock_guard lock(mu_);
    index = static_cast<int>(requests_.size());
    requests_.push_back(request);
  }
  const std::string reply = script_(request, index);
  for (size_t sent = 0; sent < reply.size();) {
    const ssize_t now = ::send(connection, reply.data() + sent, reply.size() - sent, MSG_NOSIGNAL);
    if (now <= 0) return;
    sent += static_cast<size_t>(now);
  }
}

}  // namespace sarai::store
