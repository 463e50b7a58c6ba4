// Trace and log settings over HTTP. Threads: any. `settings` outlives it.
#pragma once

#include <string>

#include "instance/server_settings.h"
#include "wire/http/message.h"
#include "wire/http/router.h"
#include "wire/http/uri.h"

namespace sarai::instance {

class SettingsFront {
 public:
  explicit SettingsFront(ServerSettings& settings);

  // Is this one of its paths?
  bool Serves(const http::Target& target) const;
  void Handle(const http::Request& request, const http::Target& target, http::Responder respond);

 private:
  enum class Call { kTrace, kLog };
  void Trace(const http::Request& request, std::string model, http::Responder respond);
  void Log(const http::Request& request, http::Responder respond);

  ServerSettings& settings_;
  http::Router<Call> router_;
};

}  // namespace sarai::instance
