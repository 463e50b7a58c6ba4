#include "control/explain.h"

#include <algorithm>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "wire/http/text_of.h"
#include "wire/json/json.h"

namespace sarai::control {
namespace {

constexpr char kDecisionsPath[] = "/sarai/v1/decisions";
constexpr char kExplainPath[] = "/sarai/v1/explain";
constexpr size_t kMaxDecisions = 1000;
const net::SendOptions kAskOptions{.timeout = std::chrono::seconds(5),
                                   .max_response_bytes = 16ull << 20};

struct Answer {
  std::string instance, endpoint, variant, address;
  bool reached = false;
  int status = 0;
  std::string text;
};
using Answers = std::vector<Answer>;

// Collects one answer per instance; whoever brings the last one passes all on.
class Gathering {
 public:
  Gathering(Answers asked, std::move_only_function<void(Answers)> done)
      : answers_(std::move(asked)), missing_(answers_.size()), done_(std::move(done)) {}

  void Bring(size_t index, const std::expected<http::Response, net::SendError>& response) {
    {
      std::lock_guard lock(mu_);
      Answer& answer = answers_[index];
      answer.reached = response.has_value();
      answer.status = response ? response->status : 0;
      answer.text = response ? http::TextOf(*response) : response.error().status.message();
      if (--missing_ > 0) return;
    }
    done_(std::move(answers_));
  }

 private:
  std::mutex mu_;
  Answers answers_;  // guarded by mu_ until none is missing
  size_t missing_;   // guarded by mu_
  std::move_only_function<void(Answers)> done_;
};

void AskAll(const Fleet& fleet, net::Transport& transport, const std::string& question,
            std::move_only_function<void(Answers)> done) {
  Answers blank;
  for (const auto& [id, instance] : fleet.all()) {
    if (instance.phase != InstancePhase::kRunning) continue;
    blank.push_back({id, instance.wanted.endpoint, instance.wanted.variant, instance.address});
  }
  if (blank.empty()) return done({});
  auto gathering = std::make_shared<Gathering>(blank, std::move(done));
  for (size_t i = 0; i < blank.size(); ++i)
    transport.Send(blank[i].address, {.method = "GET", .target = question}, kAskOptions,
                   [gathering, i](std::expected<http::Response, net::SendError> response) {
                     gathering->Bring(i, response);
                   });
}

http::Response Reply(int status, std::string content_type, std::string text) {
  http::Response response{.status = status};
  response.headers.Set("Content-Type", std::move(content_type));
  response.body.push_back(Blob::FromString(std::move(text)));
  return response;
}

http::Response JsonReply(int status, const json::Object& object) {
  return Reply(status, "application/json", json::Serialize(object));
}

http::Response ErrorReply(int status, std::string message) {
  return JsonReply(status, {{"error", std::move(message)}});
}

void AddDecisions(std::string_view text, const Answer& from, std::vector<json::Object>& all) {
  const auto object = json::ParseObject(text);
  if (!object) return;
  const auto list = json::ObjectView(*object).Children("decisions");
  if (!list) return;
  for (const json::ObjectView& view : *list) {
    json::Object decision = view.object();
    decision["instance"] = from.instance;
    decision["endpoint"] = from.endpoint;
    all.push_back(std::move(decision));
  }
}

std::string TimeOf(const json::Object& decision) {
  return json::ObjectView(decision).RequireString("at").value_or("");
}

std::vector<json::Object> OwnDecisions(const telemetry::DecisionLog& log, std::string_view model) {
  std::vector<json::Object> own;
  for (const Decision& decision : log.Since(0, model))
    if (auto object = json::ParseObject(telemetry::DecisionJson(decision)))
      own.push_back(std::move(*object));
  return own;
}

json::Object NewestDecisions(std::vector<json::Object> all, const std::string& since) {
  std::vector<std::pair<std::string, size_t>> order;  // by time; those of one time as they came
  for (size_t i = 0; i < all.size(); ++i)
    if (std::string at = TimeOf(all[i]); at > since) order.emplace_back(std::move(at), i);
  std::ranges::sort(order);
  json::Array newest;
  for (size_t i = order.size() - std::min(order.size(), kMaxDecisions); i < order.size(); ++i)
    newest.push_back(std::move(all[order[i].second]));
  return {{"decisions", std::move(newest)}};
}

http::Response ExplainText(const std::string& model, const Answers& answers) {
  std::string text;
  for (const Answer& answer : answers) {
    if (answer.reached && answer.status == 404) continue;
    text += fmt::format("endpoint {}, variant {}: {}\n", answer.endpoint, answer.variant,
                        answer.status == 200 ? answer.text
                                             : fmt::format("instance {} did not say: {}",
                                                           answer.instance, answer.text));
  }
  constexpr char kType[] = "text/plain; charset=utf-8";
  if (text.empty())
    return Reply(404, kType, fmt::format("no instance knows the model '{}'\n", model));
  return Reply(200, kType, std::move(text));
}

http::Response ExplainJson(const std::string& model, const Answers& answers) {
  json::Array instances;
  bool known = false;
  for (const Answer& answer : answers) {
    if (answer.reached && answer.status == 404) continue;
    known = known || answer.status == 200;
    auto object = json::ParseObject(answer.text).value_or(json::Object{{"error", answer.text}});
    object["endpoint"] = answer.endpoint;
    object["variant"] = answer.variant;
    object["instance"] = answer.instance;
    object["address"] = answer.address;
    instances.push_back(std::move(object));
  }
  return JsonReply(known ? 200 : 404, {{"model", model}, {"instances", std::move(instances)}});
}

}  // namespace

bool Explainer::Owns(const http::Target& target) {
  return target.raw_path == kDecisionsPath || target.raw_path == kExplainPath;
}

void Explainer::Handle(const http::Target& target, http::Responder respond) {
  if (target.raw_path == kExplainPath) return Explain(target, std::move(respond));
  Decisions(target, std::move(respond));
}

void Explainer::Decisions(const http::Target& target, http::Responder respond) {
  const std::string model(target.Query("model"));
  AskAll(fleet_, transport_, fmt::format("{}?model={}", kDecisionsPath, http::PercentEncode(model)),
         [own = OwnDecisions(decisions_, model), since = std::string(target.Query("since")),
          respond = std::move(respond)](const Answers& answers) mutable {
           std::vector<json::Object> all = std::move(own);
           for (const Answer& answer : answers)
             if (answer.status == 200) AddDecisions(answer.text, answer, all);
           respond(JsonReply(200, NewestDecisions(std::move(all), since)));
         });
}

void Explainer::Explain(const http::Target& target, http::Responder respond) {
  const std::string model(target.Query("model"));
  if (model.empty()) return respond(ErrorReply(400, "which model? ?model=NAME"));
  const bool as_text = target.Query("format") == "text";
  AskAll(fleet_, transport_,
         fmt::format("{}?model={}{}", kExplainPath, http::PercentEncode(model),
                     as_text ? "&format=text" : ""),
         [model, as_text, respond = std::move(respond)](const Answers& answers) mutable {
           respond(as_text ? ExplainText(model, answers) : ExplainJson(model, answers));
         });
}

}  // namespace sarai::control
