// HTTP messages as values. `net` turns sockets into these and back; every front end is a function
// from one to the other.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/blob.h"
#include "base/byte_stream.h"
#include "base/cancellation.h"

namespace sarai::http {

// Field names compare without case (RFC 9110 §5.1); order and repetitions are kept.
class Headers {
 public:
  void Add(std::string name, std::string value) {
    fields_.emplace_back(std::move(name), std::move(value));
  }
  void Set(std::string_view name, std::string value);  // replaces all of that name
  void Remove(std::string_view name);
  // The first value of that name, or nothing (a null view).
  std::string_view Get(std::string_view name) const;
  bool Has(std::string_view name) const { return Get(name).data() != nullptr; }
  const std::vector<std::pair<std::string, std::string>>& fields() const { return fields_; }

 private:
  std::vector<std::pair<std::string, std::string>> fields_;
};

struct Request {
  std::string method;  // "GET"
  std::string target;  // origin form, as sent: "/v2/models/a%20b/infer?x=1"
  Headers headers;
  Blob body;
  std::string peer;  // "127.0.0.1:51234"; empty where there is no socket
  // Cancelled when the client leaves before the answer has been sent; null = nobody can tell.
  CancellationPtr cancellation;
};

struct Response {
  int status = 200;
  Headers headers;         // Content-Length is the transport's business
  std::vector<Blob> body;  // parts, sent one after the other without being joined
  // A body that is still being made, after `body`: sent chunked. When the client leaves, the stream
  // is abandoned; when it ends with a failure, the connection is cut before the last chunk.
  ByteStreamPtr stream;
};

// Called exactly once per request, from any thread.
using Responder = std::move_only_function<void(Response)>;

}  // namespace sarai::http
