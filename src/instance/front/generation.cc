#include "instance/front/generation.h"

#include <memory>
#include <optional>

#include "instance/front/reply.h"
#include "wire/kserve/generate.h"

namespace sarai::instance {
namespace {

http::Response Refusal(const Status& why) {
  return ErrorReply(kserve::HttpStatus(why.code()), why);
}

// What one call of the model's responder brings.
Result<std::string> JsonOf(const Result<InferResponse>& response) {
  if (!response) return Error(response.error());
  if (!response->error.ok()) return Error(response->error);
  return kserve::EncodeGenerateResponse(*response);
}

bool IsFinal(const Result<InferResponse>& response) { return !response || response->final; }

// A decoupled model's last response may be no response.
bool IsEmpty(const Result<InferResponse>& response) {
  return response && response->error.ok() && response->outputs.empty() && response->final;
}

// Where the answer goes: with the timings that infer's answers have.
struct Recipient {
  CancellationPtr cancellation;
  std::string instance_id;
  http::Responder respond;

  void Answer(http::Response response, const InferOutcome& outcome) {
    AddTimings(response.headers, outcome, instance_id);
    http::Responder once = std::move(respond);
    respond = nullptr;
    once(std::move(response));
  }
};

// Waits for the end, then answers if there was one response. Called by one thread at a time.
class OneAnswer {
 public:
  explicit OneAnswer(Recipient recipient) : recipient_(std::move(recipient)) {}

  void operator()(const InferOutcome& outcome) {
    const auto& response = outcome.response;
    if (!recipient_.respond) return;
    if (!IsEmpty(response)) {
      if (++count_ > 1) return End(TooMany(), outcome);
      json_ = JsonOf(response);
    }
    if (!IsFinal(response)) return;
    if (count_ == 0) return End(TooMany(), outcome);
    End(json_ ? JsonReply(200, std::move(*json_)) : Refusal(json_.error()), outcome);
  }

 private:
  static http::Response TooMany() {
    return Refusal(Status(Code::kInternal,
                          "generate expects model to produce exactly 1 response, use generate "
                          "stream for model that generates various number of responses"));
  }

  void End(http::Response response, const InferOutcome& outcome) {
    recipient_.Answer(std::move(response), outcome);
    recipient_.cancellation->Cancel();  // what else the model has to say is for nobody
  }

  Recipient recipient_;
  int count_ = 0;
  Result<std::string> json_;
};

// Answers with the first response, whose success is the answer's, and goes on as a stream.
class EventStream {
 public:
  explicit EventStream(Recipient recipient) : recipient_(std::move(recipient)) {}

  void operator()(const InferOutcome& outcome) {
    const auto& response = outcome.response;
    if (outcome.model == nullptr && !response)
      return recipient_.Answer(Refusal(response.error()), outcome);
    const auto json = JsonOf(response);
    const Status status = json ? Status() : json.error();
    if (stream_ == nullptr) Begin(status.ok() ? 200 : kserve::HttpStatus(status.code()), outcome);
    if (!IsEmpty(response))
      Write(kserve::ServerSentEvent(status.ok() ? *json : kserve::ErrorBody(status.message())));
    if (IsFinal(response)) stream_->End();
  }

 private:
  void Begin(int status, const InferOutcome& outcome) {
    stream_ = std::make_shared<ByteStream>();
    stream_->OnAbandoned([cancellation = recipient_.cancellation] { cancellation->Cancel(); });
    http::Response response{.status = status, .stream = stream_};
    response.headers.Add("Content-Type", kserve::kServerSentEventsType);
    recipient_.Answer(std::move(response), outcome);
  }

  void Write(std::string event) {
    if (!stream_->Write(Blob::FromString(std::move(event)))) recipient_.cancellation->Cancel();
  }

  Recipient recipient_;
  ByteStreamPtr stream_;  // null until the first response
};

}  // namespace

void Generation::Run(Call call, http::Responder respond) const {
  if (const ServingModelPtr model = manager_.Serving(call.model))
    return Start(std::move(call), model->handle.info(), std::move(respond));
  std::string model = call.model;
  manager_.Describe(std::move(model), [this, call = std::move(call), respond = std::move(respond)](
                                          Result<engine::ModelInfo> info) mutable {
    if (!info) return respond(Refusal(info.error()));
    Start(std::move(call), *info, std::move(respond));
  });
}

void Generation::Start(Call call, const engine::ModelInfo& model, http::Responder respond) const {
  if (!HasVersion(model, call.version)) return respond(Refusal(NoSuchVersion(model, call.version)));
  auto request = kserve::ParseGenerateRequest(call.body.text(), model.spec, parse_);
  if (!request) return respond(Refusal(request.error()));
  for (auto& [name, value] : call.forwarded)
    request->parameters.insert_or_assign(name, std::move(value));
  request->model = std::move(call.model);
  request->version = std::move(call.version);
  request->caller = std::move(call.caller);
  request->cancellation =
      call.cancellation ? std::move(call.cancellation) : std::make_shared<Cancellation>();
  request->accepts_many = true;
  Recipient recipient{request->cancellation, instance_id_, std::move(respond)};
  if (call.streaming) return manager_.Infer(std::move(*request), EventStream(std::move(recipient)));
  manager_.Infer(std::move(*request), OneAnswer(std::move(recipient)));
}

}  // namespace sarai::instance
