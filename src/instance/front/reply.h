// Answers that all front ends give alike.
#pragma once

#include <string>

#include "base/status.h"
#include "wire/http/message.h"

namespace sarai::instance {

http::Response JsonReply(int status, std::string body);
http::Response EmptyReply(int status);
// {"error":"…"} and the failure's code as x-sarai-error.
http::Response ErrorReply(int status, const Status& why);
// 404 or, where only the method is wrong, 405.
http::Response NoRouteReply(const http::Request& request, const std::string& allowed);

}  // namespace sarai::instance
