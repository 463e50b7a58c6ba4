// Plain blocking sockets for tests: what goes over the wire is what the test wrote, byte by byte.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/unique_fd.h"

namespace sarai::net {

struct RawResponse {
  int status = 0;
  std::string head;  // status line and fields, with the empty line
  std::string body;

  bool HasLine(std::string_view line) const;
};

// Reads fail the test's expectations by returning what came instead of hanging: every wait ends
// after some seconds, far beyond what a working peer takes.
class RawSocket {
 public:
  static RawSocket Connect(uint16_t port);
  explicit RawSocket(UniqueFd fd);

  bool Send(std::string_view bytes);  // false: the peer has closed
  std::string ReadUntil(std::string_view marker);
  std::string Read(size_t count);
  std::string ReadToEnd();
  RawResponse ReadResponse(bool with_body = true);  // status 0: the stream ended before one
  // The next chunk of a chunked body: empty for the last one, nothing when it is cut off before.
  std::optional<std::string> ReadChunk();
  std::string ReadRequest();  // head and body of announced length
  bool AtEnd();               // waits; true when the peer has closed
  void ShutdownSend();
  void Close() { fd_.Reset(); }
  void Break();  // closes with a reset

 private:
  bool Fill();

  UniqueFd fd_;
  std::string unread_;
};

// A peer that a test plays by hand.
class RawListener {
 public:
  explicit RawListener(int backlog = 16);
  uint16_t port() const { return port_; }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  RawSocket Accept();

 private:
  UniqueFd fd_;
  uint16_t port_ = 0;
};

}  // namespace sarai::net
