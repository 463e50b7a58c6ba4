// The instance's answer (or its absence) -> what the AWS client sees. One place, one table: which
// failure is whose. Shapes, statuses and texts: botocore's sagemaker-runtime model and the wording
// of the live service.
#pragma once

#include <string>

#include "base/status.h"
#include "gateway/invoke_request.h"
#include "net/transport.h"
#include "wire/http/message.h"

namespace sarai::gateway {

struct AnswerContext {
  std::string account;
  std::string region;
  std::string endpoint;
  std::string variant;
  std::string target_model;
  std::string artifact_url;  // where the model's archive is expected
  std::string instance;
  std::string request_id;
};

// A request that was refused before any instance saw it.
http::Response Refusal(const Status& status, const std::string& request_id);

// A 2xx answer of the container, or its error as ModelError, ModelNotReadyException or
// ValidationError.
http::Response Answer(http::Response container, const AnswerContext& context);

// No answer: timeout or broken connection.
http::Response NoAnswer(const net::SendError& error, const AnswerContext& context);

}  // namespace sarai::gateway
