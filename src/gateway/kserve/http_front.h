// KServe v2 over HTTP for whole endpoints: /endpoints/NAME/v2/…, or /v2/… with the header
// sarai-endpoint, or of the only endpoint there is. Inference and what is asked about one model are
// passed to an instance as they are; what is asked about the server is answered for the endpoint.
//
// Threads: any; nothing here blocks.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "gateway/dispatcher.h"
#include "gateway/kserve/http_call.h"
#include "wire/http/message.h"

namespace sarai::gateway {

class HttpFront {
 public:
  HttpFront(std::shared_ptr<Dispatcher> dispatcher, std::function<std::string()> new_id)
      : dispatcher_(std::move(dispatcher)), new_id_(std::move(new_id)) {}

  static bool Owns(const http::Request& request) { return IsKservePath(request.target); }
  void Handle(http::Request request, http::Responder respond) const;

 private:
  Status Allowed(const HttpCall& call, const http::Request& request) const;
  void Route(HttpCall call, http::Request request, http::Responder respond) const;
  void Load(HttpCall call, http::Request request, http::Responder respond) const;
  void Ready(const HttpCall& call, http::Responder respond) const;
  void Index(const HttpCall& call, const http::Request& request, http::Responder respond) const;
  void Statistics(HttpCall call, http::Request request, http::Responder respond) const;

  const std::shared_ptr<Dispatcher> dispatcher_;
  const std::function<std::string()> new_id_;
};

}  // namespace sarai::gateway
