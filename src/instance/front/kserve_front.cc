#include "instance/front/kserve_front.h"

#include <algorithm>
#include <utility>

#include "base/strings.h"
#include "instance/front/reply.h"
#include "instance/front/repository_index.h"
#include "instance/front/statistics.h"
#include "wire/kserve/management.h"

namespace sarai::instance {
namespace {

std::string ContentType(const kserve::EncodedResponse& response) {
  return response.binary ? "application/octet-stream" : "application/json";
}

constexpr Inference::Dialect kDialect = {
    .content_type = ContentType, .json_size_header = true, .http_status = kserve::HttpStatus};

http::Response KserveError(const Status& why) {
  return ErrorReply(kserve::HttpStatus(why.code()), why);
}

// Of a body that cannot be read; who sent an unknown encoding is told which are known.
http::Response BadBody(const Status& why) {
  http::Response response = KserveError(why);
  if (why.code() == Code::kUnimplemented) response.headers.Add("Accept-Encoding", "gzip, deflate");
  return response;
}

}  // namespace

KserveFront::KserveFront(ModelManager& manager, SharedMemory& memory, KserveFrontOptions options)
    : manager_(manager),
      options_(std::move(options)),
      inference_(manager, memory, options_.parse, options_.instance_id, kDialect),
      generation_(manager, options_.parse, options_.instance_id),
      shared_memory_(memory) {
  router_.Add("GET", "/v2", Call::kServer);
  router_.Add("GET", "/v2/health/live", Call::kLive);
  router_.Add("GET", "/v2/health/ready", Call::kReady);
  router_.Add("GET", "/v2/models/stats", Call::kStatistics);
  AddModelRoutes("/v2/models/{model}");
  AddModelRoutes("/v2/models/{model}/versions/{version}");
  router_.Add("POST", "/v2/repository/index", Call::kIndex);
  router_.Add("POST", "/v2/repository/{repository}/index", Call::kIndex);
  router_.Add("POST", "/v2/repository/models/{model}/load", Call::kLoad);
  router_.Add("POST", "/v2/repository/models/{model}/unload", Call::kUnload);
  router_.Add("POST", "/v2/repository/{repository}/models/{model}/load", Call::kNamedRepository);
  router_.Add("POST", "/v2/repository/{repository}/models/{model}/unload", Call::kNamedRepository);
}

void KserveFront::AddModelRoutes(const std::string& prefix) {
  router_.Add("GET", prefix, Call::kModel);
  router_.Add("GET", prefix + "/ready", Call::kModelReady);
  router_.Add("GET", prefix + "/config", Call::kConfig);
  router_.Add("GET", prefix + "/stats", Call::kStatistics);
  router_.Add("POST", prefix + "/infer", Call::kInfer);
  router_.Add("POST", prefix + "/generate", Call::kGenerate);
  router_.Add("POST", prefix + "/generate_stream", Call::kGenerateStream);
}

void KserveFront::Handle(http::Request request, const http::Target& target,
                         http::Responder respond) {
  if (SharedMemoryFront::Serves(target)) return respond(shared_memory_.Handle(request, target));
  const auto match = router_.Find(request.method, target.segments);
  if (match.value == nullptr) return respond(NoRouteReply(request, match.allowed));
  std::string model(match.captures.Get("model"));
  std::string version(match.captures.Get("version"));
  switch (*match.value) {
    case Call::kServer: return Server(std::move(respond));
    case Call::kLive: return respond(EmptyReply(200));
    case Call::kReady: return Ready(std::move(respond));
    case Call::kModel:
      return Describe(
          model, version,
          [](const engine::ModelInfo& info) {
            return kserve::EncodeModelMetadata(info.spec, info.versions);
          },
          std::move(respond));
    case Call::kConfig:
      return Describe(
          model, version, [](const engine::ModelInfo& info) { return info.config_json; },
          std::move(respond));
    case Call::kStatistics: return Statistics(model, version, std::move(respond));
    case Call::kModelReady: return ModelReady(model, version, std::move(respond));
    case Call::kInfer:
      return Infer(request, std::move(model), std::move(version), std::move(respond));
    case Call::kGenerate:
    case Call::kGenerateStream:
      return Generate(request, std::move(model), std::move(version),
                      *match.value == Call::kGenerateStream, std::move(respond));
    case Call::kIndex: return Index(request, std::move(respond));
    case Call::kLoad: return Load(request, model, std::move(respond));
    case Call::kUnload: return Unload(request, model, std::move(respond));
    case Call::kNamedRepository:
      return respond(KserveError(
          Status(Code::kUnimplemented, "'repository_name' specification is not supported")));
  }
}

void KserveFront::Server(http::Responder respond) const {
  respond(JsonReply(200, kserve::EncodeServerMetadata(options_.server)));
}

void KserveFront::Ready(http::Responder respond) const {
  const Status ready = options_.ready();
  if (ready.ok()) return respond(EmptyReply(200));
  respond(ErrorReply(ready.code() == Code::kUnavailable ? 503 : 400, ready));
}

void KserveFront::ModelReady(const std::string& name, const std::string& version,
                             http::Responder respond) {
  manager_.IsReady(name, version, [respond = std::move(respond)](bool ready) mutable {
    respond(ready ? EmptyReply(200)
                  : ErrorReply(400, Status(Code::kFailedPrecondition, "Model version not ready")));
  });
}

void KserveFront::Statistics(const std::string& name, const std::string& version,
                             http::Responder respond) {
  CollectStatistics(
      manager_, name, version,
      [respond = std::move(respond)](Result<std::vector<kserve::ModelStatistics>> all) mutable {
        if (!all) return respond(ErrorReply(400, all.error()));
        respond(JsonReply(200, kserve::EncodeStatistics(*all)));
      });
}

void KserveFront::Describe(const std::string& name, const std::string& version, Encode encode,
                           http::Responder respond) {
  manager_.Describe(name, [name, version, encode,
                           respond = std::move(respond)](Result<engine::ModelInfo> info) mutable {
    if (!info) return respond(KserveError(info.error()));
    if (!HasVersion(*info, version)) return respond(KserveError(NoSuchVersion(*info, version)));
    respond(JsonReply(200, encode(*info)));
  });
}

void KserveFront::Infer(const http::Request& request, std::string name, std::string version,
                        http::Responder respond) {
  auto body = PlainBody(request, options_.max_body_bytes);
  if (!body) return respond(BadBody(body.error()));
  const auto json_size = kserve::JsonSizeFromHeaders(request.headers, body->size());
  if (!json_size) return respond(KserveError(json_size.error()));
  Parameters forwarded;
  if (const Status headers = options_.headers.Apply(request.headers, forwarded); !headers.ok())
    return respond(KserveError(headers));
  inference_.Run(
      {.model = std::move(name),
       .version = std::move(version),
       .body = std::move(*body),
       .json_size = *json_size,
       .caller = CallerOf(request),
       .cancellation = request.cancellation,
       .forwarded = std::move(forwarded),
       .answer_encoding = http::PreferredEncoding(request.headers.Get("Accept-Encoding"))},
      std::move(respond));
}

void KserveFront::Generate(const http::Request& request, std::string name, std::string version,
                           bool streaming, http::Responder respond) {
  auto body = PlainBody(request, options_.max_body_bytes);
  if (!body) return respond(BadBody(body.error()));
  Parameters forwarded;
  if (const Status headers = options_.headers.Apply(request.headers, forwarded); !headers.ok())
    return respond(KserveError(headers));
  generation_.Run({.model = std::move(name),
                   .version = std::move(version),
                   .body = std::move(*body),
                   .streaming = streaming,
                   .caller = CallerOf(request),
                   .cancellation = request.cancellation,
                   .forwarded = std::move(forwarded)},
                  std::move(respond));
}

void KserveFront::Index(const http::Request& request, http::Responder respond) {
  const auto only_ready = kserve::ParseIndexRequest(request.body.text());
  if (!only_ready) return respond(KserveError(only_ready.error()));
  manager_.Index([only_ready = *only_ready,
                  respond = std::move(respond)](Result<std::vector<IndexRow>> rows) mutable {
    if (!rows) return respond(KserveError(rows.error()));
    respond(JsonReply(200, kserve::EncodeRepositoryIndex(IndexEntriesOf(*rows, only_ready))));
  });
}

void KserveFront::Load(const http::Request& request, const std::string& name,
                       http::Responder respond) {
  auto load = kserve::ParseLoadRequest(request.body.text(), options_.max_load_file_bytes);
  if (!load) return respond(KserveError(load.error()));
  manager_.Load(name, {std::move(load->config_json), std::move(load->files)},
                [respond = std::move(respond)](Status status) mutable {
                  respond(status.ok() ? EmptyReply(200) : KserveError(status));
                });
}

void KserveFront::Unload(const http::Request& request, const std::string& name,
                         http::Responder respond) {
  const auto unload = kserve::ParseUnloadRequest(request.body.text());
  if (!unload) return respond(KserveError(unload.error()));
  manager_.Unload(name, unload->unload_dependents,
                  [respond = std::move(respond)](Status status) mutable {
                    respond(IsUnloaded(status) ? EmptyReply(200) : KserveError(status));
                  });
}

}  // namespace sarai::instance
