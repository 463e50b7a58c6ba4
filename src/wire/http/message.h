// HTTP messages as values. `net` turns sockets into these and back; every front end is a function
// from one to the other.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/blob.h"

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
};

struct Response {
  int status = 200;
  Headers headers;         // Content-Length is the transport's business
  std::vector<Blob> body;  // parts, sent one after the other without being joined
};

// Called exactly once per request, from any thread.
using Responder = std::move_only_function<void(Response)>;

}  // namespace sarai::http
