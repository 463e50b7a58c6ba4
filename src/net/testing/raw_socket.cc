#include "net/testing/raw_socket.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <cerrno>
#include <cstdlib>
#include <utility>

#include "base/strings.h"

namespace sarai::net {
namespace {

sockaddr_in Loopback(uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

size_t AnnouncedLength(std::string_view head) {
  for (std::string_view line : Split(head, '\n')) {
    const size_t colon = line.find(':');
    if (colon != std::string_view::npos &&
        EqualsIgnoreCase(Trim(line.substr(0, colon)), "content-length"))
      return static_cast<size_t>(ParseInt(Trim(line.substr(colon + 1))).value_or(0));
  }
  return 0;
}

}  // namespace

bool RawResponse::HasLine(std::string_view line) const {
  return head.find("\r\n" + std::string(line) + "\r\n") != std::string::npos;
}

RawSocket RawSocket::Connect(uint16_t port) {
  UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_in address = Loopback(port);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    fd.Reset();
  return RawSocket(std::move(fd));
}

RawSocket::RawSocket(UniqueFd fd) : fd_(std::move(fd)) {
  const timeval limit{.tv_sec = 20, .tv_usec = 0};
  const int on = 1;
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  ::setsockopt(fd_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

bool RawSocket::Send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return true;
}

bool RawSocket::Fill() {
  char block[64 << 10];
  const ssize_t count = ::recv(fd_.get(), block, sizeof block, 0);
  if (count <= 0) return false;
  unread_.append(block, static_cast<size_t>(count));
  return true;
}

std::string RawSocket::ReadUntil(std::string_view marker) {
  while (unread_.find(marker) == std::string::npos && Fill()) {
  }
  const size_t found = unread_.find(marker);
  return Read(found == std::string::npos ? unread_.size() : found + marker.size());
}

std::string RawSocket::Read(size_t count) {
  while (unread_.size() < count && Fill()) {
  }
  std::string bytes = unread_.substr(0, count);
  unread_.erase(0, bytes.size());
  return bytes;
}

std::string RawSocket::ReadToEnd() {
  while (Fill()) {
  }
  return std::exchange(unread_, {});
}

RawResponse RawSocket::ReadResponse(bool with_body) {
  RawResponse response{.head = ReadUntil("\r\n\r\n")};
  if (!response.head.ends_with("\r\n\r\n")) return response;
  response.status = std::atoi(response.head.substr(9, 3).c_str());
  if (with_body) response.body = Read(AnnouncedLength(response.head));
  return response;
}

std::optional<std::string> RawSocket::ReadChunk() {
  const std::string line = ReadUntil("\r\n");
  if (!line.ends_with("\r\n")) return std::nullopt;
  const size_t size = std::strtoull(line.c_str(), nullptr, 16);
  std::string chunk = Read(size);
  if (chunk.size() < size || Read(2) != "\r\n") return std::nullopt;
  return chunk;
}

std::string RawSocket::ReadRequest() {
  std::string request = ReadUntil("\r\n\r\n");
  return request + Read(AnnouncedLength(request));
}

bool RawSocket::AtEnd() {
  if (!unread_.empty()) return false;
  char byte;
  const ssize_t count = ::recv(fd_.get(), &byte, 1, 0);
  return count == 0 || (count < 0 && errno == ECONNRESET);
}

void RawSocket::Break() {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  fd_.Reset();
}

void RawSocket::ShutdownSend() { ::shutdown(fd_.get(), SHUT_WR); }

RawListener::RawListener(int backlog) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address = Loopback(0);
  socklen_t size = sizeof address;
  ::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  ::listen(fd_.get(), backlog);
  ::getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&address), &size);
  port_ = ntohs(address.sin_port);
  const timeval limit{.tv_sec = 20, .tv_usec = 0};
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
}

RawSocket RawListener::Accept() {
  return RawSocket(UniqueFd(::accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC)));
}

}  // namespace sarai::net
