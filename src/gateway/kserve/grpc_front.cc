#include "gateway/kserve/grpc_front.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "base/strings.h"
#include "gateway/kserve/answers.h"
#include "gateway/kserve/gather.h"
#include "gateway/kserve/grpc_errand.h"
#include "gateway/kserve/repository_index.h"
#include "gateway/kserve/statistics.h"
#include "wire/kserve/grpc_codec.h"
#include "wire/kserve/routing_fields.h"

namespace sarai::gateway {
namespace {

using kserve::ApiCategory;
using net::GrpcCallPtr;
namespace codec = kserve::grpc;

constexpr int kInternal = 13;
constexpr uint64_t kMaxLoadBytes = 1 << 20;
constexpr char kSecretPrefix[] = "triton-grpc-protocol-";

using Run = void (*)(const GrpcParts& parts, const GrpcCallPtr& call, const Blob& message);

void Fail(net::GrpcCall& call, const Status& status) { call.Finish(ToGrpc(status)); }

// ---- carried to an instance

void Carry(const GrpcParts& parts, const GrpcCallPtr& call, const Blob& message, Route route) {
  auto endpoint = parts.Endpoint(*call);
  if (!endpoint) return Fail(*call, endpoint.error());
  route.endpoint = std::move(*endpoint);
  route.variant = VariantOf(*call);
  parts.dispatcher->Start(MakeGrpcErrand(
      {.call = call, .message = message, .route = std::move(route), .request_id = parts.new_id()},
      parts.dispatcher->clock()));
}

void Infer(const GrpcParts& parts, const GrpcCallPtr& call, const Blob& message) {
  auto fields = codec::ReadRoutingFields(message);
  if (!fields) return Fail(*call, fields.error());
  Carry(parts, call, message,
        {.model = std::move(fields->model),
         .sequence = std::move(fields->sequence.id),
         .sequence_ends = fields->sequence.ends});
}

void AboutServer(const GrpcParts& parts, const GrpcCallPtr& call, const Blob& message) {
  Carry(parts, call, message, {.counted = false});
}

void AboutModel(const GrpcParts& parts, const GrpcCallPtr& call, const Blob& message) {
  auto model = codec::ReadTextField(message, 1);
  if (!model) return Fail(*call, model.error());
  Carry(parts, call, message, {.model = std::move(*model), .counted = false});
}

// A load is a prefetch: the model comes to the instance that requests for it will go to.
void Load(const GrpcParts& parts, const GrpcCallPtr& call, const Blob& message) {
  auto asked = codec::ParseLoadRequest(message, kMaxLoadBytes);
  if (!asked) return Fail(*call, asked.error());
  if (!asked->load.config_json.empty() || !asked->load.files.empty())
    return Fail(*call, NoOverrides());
  Carry(parts, call, message, {.model = std::move(asked->model), .counted = false});
}

// ---- answered for the endpoint

void Live(const GrpcParts&, const GrpcCallPtr& call, const Blob&) {
  call->FinishWith({codec::EncodeFlag(true)});
}

void Ready(const GrpcParts& parts, const GrpcCallPtr& call, const Blob&) {
  const Status ready = EndpointReady(*parts.dispatcher, EndpointOf(*call));
  if (!ready.ok() && ready.code() == Code::kNotFound) return Fail(*call, ready);
  call->FinishWith({codec::EncodeFlag(ready.ok())});
}

void Health(const GrpcParts& parts, const GrpcCallPtr& call, const Blob& message) {
  const auto service = codec::ParseHealthCheck(message);
  if (!service) return Fail(*call, service.error());
  constexpr int kServing = 1, kNotServing = 2;
  const bool ready = EndpointReady(*parts.dispatcher, EndpointOf(*call)).ok();
  call->FinishWith({codec::EncodeHealth(ready ? kServing : kNotServing)});
}

void Index(const GrpcParts& parts, const GrpcCallPtr& call, const Blob& message) {
  const auto only_ready = codec::ParseIndexRequest(message);
  if (!only_ready) return Fail(*call, only_ready.error());
  const auto endpoint = parts.Endpoint(*call);
  if (!endpoint) return Fail(*call, endpoint.error());
  const http::Request question{.method = "POST",
                               .target = "/v2/repository/index",
                               .body = Blob::FromString(*only_ready ? R"({"ready":true})" : "{}")};
  AskAll(*parts.dispatcher, *endpoint, question,
         [call, most = parts.dispatcher->options().kserve.max_index_entries](
             Result<std::vector<http::Response>> answers) {
           if (!answers) return Fail(*call, answers.error());
           const IndexPage page = PageOf(MergeIndexes(*answers), "", most);
           call->FinishWith({codec::EncodeRepositoryIndex(page.entries)});
         });
}

// A model that no instance holds is asked of the one that requests for it would go to.
void Statistics(const GrpcParts& parts, const GrpcCallPtr& call, const Blob& message) {
  const auto model = codec::ParseModelName(message);
  if (!model) return Fail(*call, model.error());
  const auto endpoint = parts.Endpoint(*call);
  if (!endpoint) return Fail(*call, endpoint.error());
  AskHolders(*parts.dispatcher, *endpoint, model->name,
             StatisticsQuestion(model->name, model->version),
             [parts, call, message,
              one = !model->name.empty()](Result<std::vector<http::Response>> answers) {
               if (!answers && one) return AboutModel(parts, call, message);
               if (!answers) return Fail(*call, answers.error());
               call->FinishWith({codec::EncodeStatistics(SumStatistics(*answers))});
             });
}

void Unload(const GrpcParts&, const GrpcCallPtr& call, const Blob&) { Fail(*call, NoUnload()); }

// ---- which is which

struct Method {
  std::string_view name;
  std::optional<ApiCategory> category;
  Run run = nullptr;  // null: the stream
};

constexpr std::string_view kService = "/inference.GRPCInferenceService/";
constexpr Method kMethods[] = {
    {"ModelInfer", ApiCategory::kInference, Infer},
    {"ModelStreamInfer", ApiCategory::kInference, nullptr},
    {"ServerLive", ApiCategory::kHealth, Live},
    {"ServerReady", ApiCategory::kHealth, Ready},
    {"ModelReady", ApiCategory::kHealth, AboutModel},
    {"ServerMetadata", ApiCategory::kMetadata, AboutServer},
    {"ModelMetadata", ApiCategory::kMetadata, AboutModel},
    {"ModelConfig", ApiCategory::kModelConfig, AboutModel},
    {"ModelStatistics", ApiCategory::kStatistics, Statistics},
    {"RepositoryIndex", ApiCategory::kModelRepository, Index},
    {"RepositoryModelLoad", ApiCategory::kModelRepository, Load},
    {"RepositoryModelUnload", ApiCategory::kModelRepository, Unload},
};
constexpr Method kHealthCheck = {"/grpc.health.v1.Health/Check", ApiCategory::kHealth, Health};

const Method* FindMethod(std::string_view name) {
  if (name == kHealthCheck.name) return &kHealthCheck;
  if (!name.starts_with(kService)) return nullptr;
  const auto* const method =
      std::ranges::find(kMethods, name.substr(kService.size()), &Method::name);
  return method == std::end(kMethods) ? nullptr : method;
}

bool Allowed(const GrpcParts& parts, const Method& method, const GrpcCallPtr& call) {
  const auto& restrictions = parts.dispatcher->options().kserve.grpc_restrictions;
  const auto* const secret = method.category ? restrictions.Of(*method.category) : nullptr;
  if (secret == nullptr) return true;
  const std::string_view given = call->metadata().Get(kSecretPrefix + ToLower(secret->key));
  if (given.data() != nullptr && given == secret->value) return true;
  Fail(*call, MakeStatus(Code::kUnavailable, "This protocol is restricted, expecting header '{}{}'",
                         kSecretPrefix, secret->key));
  return false;
}

}  // namespace

Result<std::string> GrpcParts::Endpoint(const net::GrpcCall& call) const {
  std::string named = EndpointOf(call);
  if (!named.empty()) return named;
  return dispatcher->OnlyEndpoint();
}

void GrpcFront::Handle(GrpcCallPtr call) const {
  const Method* const method = FindMethod(call->method());
  if (method == nullptr) return Fail(*call, NotAtEndpoints(call->method()));
  if (!Allowed(*parts_, *method, call)) return;
  if (method->run == nullptr) {
    const auto stream = std::make_shared<GrpcStream>(parts_, std::move(call));
    streams_->Add(stream);
    return stream->Start();
  }
  net::GrpcCall& reader = *call;
  reader.Read(
      [parts = parts_, call = std::move(call), run = method->run](std::optional<Blob> message) {
        if (!message)
          return call->Finish({.code = kInternal, .message = "the call has no message"});
        run(*parts, call, *message);
      });
}

}  // namespace sarai::gateway
