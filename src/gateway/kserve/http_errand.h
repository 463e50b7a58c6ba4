// A KServe request over HTTP as an errand: passed on as it is, and so its answer.
#pragma once

#include <memory>
#include <string>

#include "gateway/errand.h"
#include "gateway/kserve/http_call.h"

namespace sarai::gateway {

// {"error":"…"} with KServe's status code.
http::Response KserveError(const Status& status);

// `call.endpoint` is set.
std::unique_ptr<Errand> MakeHttpErrand(HttpCall call, http::Request request, std::string request_id,
                                       http::Responder respond);

}  // namespace sarai::gateway
