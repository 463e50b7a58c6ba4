#include "gateway/invoke_answer.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/strings.h"
#include "wire/awsjson/error.h"
#include "wire/http/text_of.h"
#include "wire/json/json.h"
#include "wire/mme/mme.h"

namespace sarai::gateway {
namespace {

constexpr std::string_view kRequestIdHeader = "x-amzn-RequestId";
constexpr size_t kMaxMessageLength = 2048;  // of ValidationError.Message

http::Response RuntimeError(awsjson::AwsError error, const std::string& request_id) {
  if (error.message.size() > kMaxMessageLength) error.message.resize(kMaxMessageLength);
  return awsjson::RestJsonError(error, request_id);
}

// The text of {"error": "…"}; the whole body when it is not of that form.
std::string ContainerMessage(const http::Response& response) {
  std::string body = http::TextOf(response);
  const auto object = json::ParseObject(body);
  if (!object) return body;
  if (auto text = json::ObjectView(*object).String("error"); text && *text) return **text;
  return body;
}

std::string LogGroup(const AnswerContext& context) {
  return fmt::format("/aws/sagemaker/Endpoints/{}", context.endpoint);
}

http::Response ModelError(int status, const std::string& text, const std::string& message,
                          const AnswerContext& context) {
  awsjson::AwsError error{.shape = "ModelError", .message = message, .http_status = 424};
  error.members["ErrorCode"] =
      status == 0 ? "INVOCATION_TIMEOUT_FROM_MODEL"
                  : (status < 500 ? "CLIENT_ERROR_FROM_MODEL" : "INTERNAL_FAILURE_FROM_MODEL");
  error.members["OriginalStatusCode"] = status;
  error.members["OriginalMessage"] = text;
  error.members["LogStreamArn"] = fmt::format("arn:aws:logs:{}:{}:log-group:{}", context.region,
                                              context.account, LogGroup(context));
  return RuntimeError(std::move(error), context.request_id);
}

http::Response ContainerFailure(int status, const std::string& text, const AnswerContext& context) {
  const std::string message = fmt::format(
      "Received {} error ({}) from model with message \"{}\". See {} in account {} for more "
      "information.",
      status >= 500 ? "server" : "client", status, text, LogGroup(context), context.account);
  return ModelError(status, text, message, context);
}

http::Response ArtifactMissing(const std::string& text, const AnswerContext& context) {
  return RuntimeError(
      {.shape = "ValidationError",
       .message = fmt::format(
           "Failed to download model data for model \"{}\" from URL: \"{}\". Please ensure that "
           "there is an object located at the URL and that the credentials have access to it. "
           "({})",
           context.target_model, context.artifact_url, text),
       .http_status = 400},
      context.request_id);
}

http::Response NotReady(const std::string& text, const AnswerContext& context) {
  return RuntimeError(
      {.shape = "ModelNotReadyException",
       .message = fmt::format("Model {} is not ready for inference yet: {}. Its load goes on; try "
                              "again.",
                              context.target_model, text),
       .http_status = 429},
      context.request_id);
}

void PassOn(const http::Response& from, std::string_view name, http::Response& to) {
  if (from.headers.Has(name)) to.headers.Set(name, std::string(from.headers.Get(name)));
}

void PassOnSaraiHeaders(const http::Response& from, const AnswerContext& context,
                        http::Response& to) {
  for (const std::string_view name :
       {mme::kModelStateHeader, mme::kWaitMsHeader, mme::kLoadMsHeader})
    PassOn(from, name, to);
  to.headers.Set(mme::kInstanceHeader, context.instance);
}

http::Response Success(http::Response container, const AnswerContext& context) {
  http::Response answer;
  answer.status = 200;
  PassOn(container, "Content-Type", answer);
  PassOn(container, mme::kCustomAttributesHeader, answer);
  answer.headers.Set("x-Amzn-Invoked-Production-Variant", context.variant);
  answer.headers.Set(kRequestIdHeader, context.request_id);
  PassOnSaraiHeaders(container, context, answer);
  answer.body = std::move(container.body);
  return answer;
}

}  // namespace

http::Response Refusal(const Status& status, const std::string& request_id) {
  awsjson::AwsError error{.message = status.message()};
  switch (status.code()) {
    case Code::kUnavailable:
    case Code::kResourceExhausted:
      error.shape = "ServiceUnavailable";
      error.http_status = 503;
      break;
    case Code::kNotFound:
      error.shape = "UnknownOperationException";
      error.http_status = 404;
      break;
    case Code::kInternal:
      error.shape = "InternalFailure";
      error.http_status = 500;
      break;
    default: error.shape = "ValidationError"; error.http_status = 400;
  }
  return RuntimeError(std::move(error), request_id);
}

http::Response Answer(http::Response container, const AnswerContext& context) {
  if (container.status / 100 == 2) return Success(std::move(container), context);
  const std::string text = ContainerMessage(container);
  const std::string_view code = container.headers.Get(mme::kErrorCodeHeader);
  http::Response answer;
  if (container.status == 429) {
    answer = NotReady(text, context);
  } else if (container.status == 404 && code == CodeName(Code::kNotFound)) {
    answer = ArtifactMissing(text, context);
  } else {
    answer = ContainerFailure(container.status, text, context);
  }
  PassOnSaraiHeaders(container, context, answer);
  return answer;
}

http::Response NoAnswer(const net::SendError& error, const AnswerContext& context) {
  const std::string text =
      error.status.code() == Code::kDeadlineExceeded
          ? "Your invocation timed out while waiting for a response from container model. Review "
            "the latency metrics for each container in Amazon CloudWatch, resolve the issue, and "
            "try again."
          : fmt::format("The connection to the model's instance broke: {}", error.status.message());
  http::Response answer = ModelError(
      0, text, fmt::format("Received server error (0) from model with message \"{}\".", text),
      context);
  answer.headers.Set(mme::kInstanceHeader, context.instance);
  return answer;
}

}  // namespace sarai::gateway
