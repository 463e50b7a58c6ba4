#include "instance/front/reply.h"

#include <utility>

#include "wire/kserve/kserve.h"
#include "wire/mme/mme.h"

namespace sarai::instance {

http::Response JsonReply(int status, std::string body) {
  http::Response response{.status = status};
  response.headers.Add("Content-Type", "application/json");
  response.body.push_back(Blob::FromString(std::move(body)));
  return response;
}

http::Response EmptyReply(int status) { return {.status = status}; }

http::Response ErrorReply(int status, const Status& why) {
  http::Response response = JsonReply(status, kserve::ErrorBody(why.message()));
  response.headers.Add(std::string(mme::kErrorCodeHeader), std::string(CodeName(why.code())));
  return response;
}

http::Response NoRouteReply(const http::Request& request, const std::string& allowed) {
  if (allowed.empty())
    return ErrorReply(404,
                      MakeStatus(Code::kNotFound, "Not Found: there is no {}", request.target));
  http::Response response =
      ErrorReply(405, MakeStatus(Code::kInvalidArgument, "Method Not Allowed: {} takes {}, not {}",
                                 request.target, allowed, request.method));
  response.headers.Add("Allow", allowed);
  return response;
}

}  // namespace sarai::instance
