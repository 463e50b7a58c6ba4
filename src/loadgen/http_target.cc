// Over HTTP: KServe's path and SageMaker Runtime's InvokeEndpoint.
#include <utility>

#include "loadgen/target.h"
#include "net/event_loops.h"
#include "net/transport.h"
#include "wire/http/text_of.h"
#include "wire/http/uri.h"
#include "wire/json/json.h"
#include "wire/mme/mme.h"

namespace sarai::loadgen {
namespace {

constexpr std::string_view kSageMakerBinary =
    "application/vnd.sagemaker-triton.binary+json;json-header-size=";

std::string ErrorKind(const Status& status) {
  if (status.code() == Code::kDeadlineExceeded) return "timeout";
  if (status.code() == Code::kUnavailable) return "connection";
  return std::string(CodeName(status.code()));
}

class HttpTarget final : public Target {
 public:
  HttpTarget(const TargetOptions& options, const Clock& clock)
      : options_(options),
        clock_(clock),
        peer_((options.tls ? "https://" : "") + options.address),
        loops_(options.threads) {}
  // Before anything else.
  Status Connect(size_t max_outstanding);

  Result<std::vector<std::string>> ReadIndex() override;
  Result<Signature> ReadSignature(const std::string& model) override;
  Status Prepare(const std::vector<std::string>& models, const PayloadOptions& payload,
                 const InferRequest& request) override;
  uint64_t request_bytes() const override { return body_.size(); }
  std::string Describe() const override;
  void Send(size_t model, OnReply done) override;

 private:
  Result<std::string> Ask(std::string method, std::string path);
  std::string PathOf(const std::string& model) const;
  std::string ModelPath(const std::string& model) const;

  const TargetOptions options_;
  const Clock& clock_;
  const std::string peer_;
  // Constant after Prepare.
  struct Address {
    std::string path;
    std::string model;  // kInvokeEndpoint: its header
  };
  std::vector<Address> addresses_;
  http::Headers headers_;
  Blob body_;
  std::string body_hash_;  // when requests are signed

  net::EventLoops loops_;
  std::unique_ptr<net::Transport> transport_;
};

Status HttpTarget::Connect(size_t max_outstanding) {
  const size_t connections = options_.connections > 0 ? options_.connections : max_outstanding;
  if (!options_.tls) {
    transport_ = net::MakeHttpTransport(loops_, connections);
    return {};
  }
  SARAI_TRY(transport_, net::MakeHttpsTransport(loops_,
                                                {.authority_file = options_.authority_file,
                                                 .certificate_file = options_.certificate_file,
                                                 .key_file = options_.key_file},
                                                connections));
  return {};
}

std::string HttpTarget::ModelPath(const std::string& model) const {
  const std::string version =
      options_.model_version.empty() ? "" : "/versions/" + options_.model_version;
  return options_.path_prefix + "/v2/models/" + http::PercentEncode(model) + version;
}

std::string HttpTarget::PathOf(const std::string& model) const {
  if (!options_.path_template.empty()) {
    std::string path = options_.path_template;
    const size_t at = path.find("{}");
    if (at != std::string::npos) path.replace(at, 2, http::PercentEncode(model));
    return path;
  }
  if (options_.protocol == Protocol::kHttp) return ModelPath(model) + "/infer";
  return options_.path_prefix + "/endpoints/" + http::PercentEncode(options_.endpoint) +
         "/invocations";
}

Result<std::string> HttpTarget::Ask(std::string method, std::string path) {
  http::Request request{.method = std::move(method), .target = path};
  for (const auto& [name, value] : options_.headers) request.headers.Add(name, value);
  auto reply =
      net::SendAndWait(*transport_, peer_, std::move(request), {.timeout = options_.timeout});
  if (!reply) return Error(reply.error().status.WithContext("asking " + options_.address));
  std::string text = http::TextOf(*reply);
  if (reply->status == 200) return text;
  return Error(Code::kNotFound, "{}{} answered {}: {}", options_.address, path, reply->status,
               text.substr(0, 300));
}

Result<std::vector<std::string>> HttpTarget::ReadIndex() {
  if (options_.protocol != Protocol::kHttp || !options_.path_template.empty())
    return Error(Code::kUnimplemented,
                 "only KServe's protocols have an index of models: name "
                 "them with --models");
  SARAI_TRY(const std::string text, Ask("POST", options_.path_prefix + "/v2/repository/index"));
  SARAI_TRY(const json::Value index, json::Parse(text));
  if (!index.is_array())
    return Error(Code::kInvalidArgument, "{}'s repository index is no list", options_.address);
  std::vector<std::string> names;
  for (const json::Value& entry : index.get_array()) {
    if (!entry.is_object()) continue;
    SARAI_TRY(std::string name, json::ObjectView(entry.get_object()).RequireString("name"));
    if (names.empty() || names.back() != name) names.push_back(std::move(name));
  }
  return names;
}

Result<Signature> HttpTarget::ReadSignature(const std::string& model) {
  if (options_.protocol != Protocol::kHttp || !options_.path_template.empty())
    return Error(Code::kUnimplemented, "no metadata");
  SARAI_TRY(const std::string text, Ask("GET", ModelPath(model)));
  return ParseSignature(text);
}

Status HttpTarget::Prepare(const std::vector<std::string>& models, const PayloadOptions& payload,
                           const InferRequest& request) {
  HttpBody body{.body = payload.file, .content_type = payload.content_type};
  if (payload.file.empty()) {
    SARAI_TRY(body, EncodeHttp(request, payload.json));
  }
  const bool invoke = options_.protocol == Protocol::kInvokeEndpoint;
  if (body.json_size && invoke)
    body.content_type = std::string(kSageMakerBinary) + std::to_string(*body.json_size);
  headers_.Add("Content-Type", body.content_type);
  if (body.json_size && !invoke)
    headers_.Add("Inference-Header-Content-Length", std::to_string(*body.json_size));
  for (const auto& [name, value] : options_.headers) headers_.Set(name, value);
  body_ = std::move(body.body);
  if (options_.credentials) body_hash_ = sigv4::Sha256Hex(body_.text());
  for (const std::string& model : models)
    addresses_.push_back({PathOf(model), invoke ? model : std::string()});
  return {};
}

std::string HttpTarget::Describe() const {
  const std::string url =
      (options_.tls ? "https://" : "http://") + options_.address + options_.path_prefix;
  if (options_.protocol == Protocol::kInvokeEndpoint)
    return url + ", InvokeEndpoint of " + options_.endpoint +
           (options_.credentials ? ", signed" : "");
  return url + (options_.path_template.empty() ? ", KServe over HTTP"
                                               : ", POST " + options_.path_template);
}

Reply ReplyOf(const std::expected<http::Response, net::SendError>& outcome) {
  Reply reply;
  if (!outcome) {
    reply.error = ErrorKind(outcome.error().status);
    reply.detail = outcome.error().status.message();
    return reply;
  }
  for (const Blob& part : outcome->body) reply.bytes += part.size();
  reply.warmth = ReadWarmth(outcome->headers.Get(mme::kModelStateHeader));
  if (outcome->status >= 200 && outcome->status < 300) return reply;
  reply.error = "HTTP " + std::to_string(outcome->status);
  reply.detail = http::TextOf(*outcome).substr(0, 300);
  return reply;
}

void HttpTarget::Send(size_t model, OnReply done) {
  const Address& to = addresses_[model];
  http::Request request{.method = "POST", .target = to.path, .headers = headers_, .body = body_};
  if (!to.model.empty()) request.headers.Add("X-Amzn-SageMaker-Target-Model", to.model);
  if (options_.credentials)
    sigv4::Sign(request, options_.address, {options_.region, "sagemaker"}, *options_.credentials,
                clock_.WallNow(), body_hash_);
  transport_->Send(
      peer_, std::move(request), {.timeout = options_.timeout},
      [done = std::move(done)](const auto& outcome) mutable { done(ReplyOf(outcome)); });
}

}  // namespace

std::optional<Warmth> ReadWarmth(std::string_view state) {
  if (state == "cold") return Warmth::kCold;
  if (state == "warm") return Warmth::kWarm;
  return std::nullopt;
}

Result<std::unique_ptr<Target>> MakeHttpTarget(const TargetOptions& options, size_t max_outstanding,
                                               const Clock& clock) {
  auto target = std::make_unique<HttpTarget>(options, clock);
  SARAI_CHECK_OK(target->Connect(max_outstanding));
  return std::unique_ptr<Target>(std::move(target));
}

}  // namespace sarai::loadgen
