#include "tuning/trial_server.h"

#include <tuple>
#include <utility>

#include "instance/instance.h"
#include "wire/http/text_of.h"
#include "wire/http/uri.h"
#include "wire/json/json.h"
#include "wire/modelconfig/model_config.h"

namespace sarai::tuning {
namespace {

constexpr std::chrono::minutes kLoadPatience{10};

std::string ErrorText(const std::string& body) {
  const auto object = json::ParseObject(body);
  if (!object) return body.substr(0, 300);
  const auto text = json::ObjectView(*object).String("error");
  return text && *text ? **text : body.substr(0, 300);
}

std::string LoadBody(const inference::ModelConfig* config) {
  json::Object body;
  if (config != nullptr) {
    json::Object parameters;
    parameters["config"] = modelconfig::ToJson(*config);
    body["parameters"] = std::move(parameters);
  }
  return json::Serialize(body);
}

}  // namespace

Result<std::unique_ptr<TrialServer>> TrialServer::Start(instance::InstanceOptions options,
                                                        const std::string& repository,
                                                        const Clock& clock) {
  options.model_repositories = {repository};
  options.control_mode = policy::ControlMode::kExplicit;
  options.http_address = "127.0.0.1";
  options.http_port = 0;
  options.serve_grpc = false;
  options.serve_metrics = false;
  SARAI_TRY(auto instance, instance::Instance::Start(std::move(options), clock));
  return std::unique_ptr<TrialServer>(new TrialServer(std::move(instance)));
}

TrialServer::TrialServer(std::unique_ptr<instance::Instance> instance)
    : instance_(std::move(instance)), transport_(net::MakeHttpTransport(loops_)) {}

TrialServer::~TrialServer() = default;

std::string TrialServer::address() const { return instance_->http_address(); }

Result<std::string> TrialServer::Ask(const char* method, std::string path, std::string body) {
  http::Request request{.method = method, .target = std::move(path)};
  if (!body.empty()) request.body = Blob::FromString(std::move(body));
  auto reply =
      net::SendAndWait(*transport_, address(), std::move(request), {.timeout = kLoadPatience});
  if (!reply) return Error(reply.error().status);
  std::string text = http::TextOf(*reply);
  if (reply->status == 200) return text;
  return Error(Code::kInvalidArgument, "{}", ErrorText(text));
}

Result<inference::ModelConfig> TrialServer::Load(const std::string& model,
                                                 const inference::ModelConfig* config) {
  const std::string name = http::PercentEncode(model);
  const std::string repository = "/v2/repository/models/" + name;
  SARAI_TRY(std::ignore, Ask("POST", repository + "/unload", "{}"));
  SARAI_TRY(std::ignore, Ask("POST", repository + "/load", LoadBody(config)));
  SARAI_TRY(const std::string effective, Ask("GET", "/v2/models/" + name + "/config", ""));
  return modelconfig::ParseJson(effective);
}

Result<uint64_t> TrialServer::MemoryBytes(const std::string& model) {
  SARAI_TRY(const std::string text,
            Ask("GET", "/v2/models/" + http::PercentEncode(model) + "/stats", ""));
  SARAI_TRY(const json::Object answer, json::ParseObject(text));
  uint64_t bytes = 0;
  SARAI_TRY(const auto models, json::ObjectView(answer).Children("model_stats"));
  for (const json::ObjectView& each : models) {
    SARAI_TRY(const auto uses, each.Children("memory_usage"));
    for (const json::ObjectView& use : uses) {
      SARAI_TRY(const int64_t size, use.RequireInt("byte_size"));
      bytes += static_cast<uint64_t>(size);
    }
  }
  return bytes;
}

}  // namespace sarai::tuning
