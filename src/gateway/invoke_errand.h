// InvokeEndpoint as an errand: the MME contract's invoke out, the answer in AWS's words back.
#pragma once

#include <memory>

#include "gateway/errand.h"
#include "gateway/invoke_answer.h"
#include "gateway/invoke_request.h"

namespace sarai::gateway {

// `context`: account, region, request id; the rest is found on the way.
std::unique_ptr<Errand> MakeInvokeErrand(InvokeRequest request, AnswerContext context,
                                         http::Responder respond);

}  // namespace sarai::gateway
