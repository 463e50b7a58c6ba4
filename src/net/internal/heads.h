// From a message's parts to the bytes of its head. Content-Length, Transfer-Encoding, Connection
// and Expect are decided here: what the caller put there is not sent.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/status.h"
#include "wire/http/message.h"

namespace sarai::net {

struct ResponseFraming {
  int request_version = 11;
  bool keep_alive = true;
  bool chunked = false;      // the body's length is not known yet
  bool until_close = false;  // nor can it be said in chunks: the connection's end is the body's
  std::string_view server_name;
  std::string_view date;
};

uint64_t BodyBytes(const http::Response& response);

// 1xx, 204 and 304 carry no body and (304 aside) no length.
bool StatusHasBody(int status);

void AppendResponseHead(std::string& out, const http::Response& response,
                        const ResponseFraming& framing);

// The line in front of a chunk of so many bytes, which is not zero.
void AppendChunkSize(std::string& out, uint64_t bytes);

// `address` becomes the Host where the request names none. Refuses a method or target that would
// break the request line.
Status AppendRequestHead(std::string& out, const http::Request& request, std::string_view address);

// A response of the server itself: {"error": message}.
http::Response ErrorResponse(int status, std::string_view message);

}  // namespace sarai::net
