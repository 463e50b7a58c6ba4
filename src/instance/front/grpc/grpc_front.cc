#include "instance/front/grpc/grpc_front.h"

#include <algorithm>
#include <utility>

#include "base/strings.h"
#include "instance/front/grpc/grpc_answer.h"
#include "instance/front/repository_index.h"
#include "instance/front/statistics.h"

namespace sarai::instance {
namespace {

using net::GrpcCallPtr;
namespace codec = kserve::grpc;

constexpr int kUnavailable = 14, kUnimplemented = 12, kInternal = 13;
constexpr char kSecretPrefix[] = "triton-grpc-protocol-";

}  // namespace

GrpcFront::GrpcFront(ModelManager& manager, SharedMemory& memory, GrpcFrontOptions options)
    : manager_(manager),
      memory_(memory),
      options_(std::move(options)),
      inference_(
          std::make_shared<GrpcInference>(manager, memory, options_.parse, options_.headers)) {}

const std::vector<GrpcFront::Method>& GrpcFront::Methods() {
  using enum kserve::ApiCategory;
  static const std::vector<Method> methods = {
      {"/inference.GRPCInferenceService/ModelInfer", kInference, &GrpcFront::Infer},
      {"/inference.GRPCInferenceService/ModelStreamInfer", kInference, nullptr,
       &GrpcFront::StreamInfer},
      {"/inference.GRPCInferenceService/ServerLive", kHealth, &GrpcFront::ServerLive},
      {"/inference.GRPCInferenceService/ServerReady", kHealth, &GrpcFront::ServerReady},
      {"/inference.GRPCInferenceService/ModelReady", kHealth, &GrpcFront::ModelReady},
      {"/inference.GRPCInferenceService/ServerMetadata", kMetadata, &GrpcFront::ServerMetadata},
      {"/inference.GRPCInferenceService/ModelMetadata", kMetadata, &GrpcFront::ModelMetadata},
      {"/inference.GRPCInferenceService/ModelConfig", kModelConfig, &GrpcFront::ModelConfig},
      {"/inference.GRPCInferenceService/ModelStatistics", kStatistics, &GrpcFront::Statistics},
      {"/inference.GRPCInferenceService/SystemSharedMemoryStatus", kSharedMemory,
       &GrpcFront::SharedStatus},
      {"/inference.GRPCInferenceService/SystemSharedMemoryRegister", kSharedMemory,
       &GrpcFront::SharedRegister},
      {"/inference.GRPCInferenceService/SystemSharedMemoryUnregister", kSharedMemory,
       &GrpcFront::SharedUnregister},
      {"/inference.GRPCInferenceService/CudaSharedMemoryStatus", kSharedMemory,
       &GrpcFront::CudaStatus},
      {"/inference.GRPCInferenceService/CudaSharedMemoryRegister", kSharedMemory,
       &GrpcFront::CudaRegister},
      {"/inference.GRPCInferenceService/CudaSharedMemoryUnregister", kSharedMemory,
       &GrpcFront::CudaUnregister},
      {"/inference.GRPCInferenceService/RepositoryIndex", kModelRepository, &GrpcFront::Index},
      {"/inference.GRPCInferenceService/RepositoryModelLoad", kModelRepository, &GrpcFront::Load},
      {"/inference.GRPCInferenceService/RepositoryModelUnload", kModelRepository,
       &GrpcFront::Unload},
      {"/inference.GRPCInferenceService/TraceSetting", kTrace, &GrpcFront::TraceSetting},
      {"/inference.GRPCInferenceService/LogSettings", kLogging, &GrpcFront::LogSettings},
      {"/grpc.health.v1.Health/Check", kHealth, &GrpcFront::Health},
      {"/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
       {},
       nullptr,
       &GrpcFront::Reflect},
      {"/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
       {},
       nullptr,
       &GrpcFront::Reflect},
  };
  return methods;
}

void GrpcFront::Handle(GrpcCallPtr call) {
  const auto method = std::ranges::find(Methods(), call->method(), &Method::name);
  if (method == Methods().end())
    return call->Finish(
        {.code = kUnimplemented, .message = fmt::format("there is no method {}", call->method())});
  if (!Allowed(*method, call)) return;
  if (method->stream != nullptr) return (this->*method->stream)(std::move(call));
  call->Read([this, call, run = method->run](std::optional<Blob> message) {
    if (!message) return call->Finish({.code = kInternal, .message = "the call has no message"});
    (this->*run)(call, *message);
  });
}

bool GrpcFront::Allowed(const Method& method, const GrpcCallPtr& call) const {
  const auto* const secret = method.category ? options_.restrictions.Of(*method.category) : nullptr;
  if (secret == nullptr) return true;
  const std::string header = kSecretPrefix + ToLower(secret->key);
  if (call->metadata().Has(header) && call->metadata().Get(header) == secret->value) return true;
  call->Finish({.code = kUnavailable,
                .message = fmt::format("This protocol is restricted, expecting header '{}'",
                                       kSecretPrefix + secret->key)});
  return false;
}

void GrpcFront::BeginDrain() { streams_.Drain(); }

// ---- the server

void GrpcFront::ServerLive(const GrpcCallPtr& call, const Blob&) {
  Answer(*call, codec::EncodeFlag(true));
}

void GrpcFront::ServerReady(const GrpcCallPtr& call, const Blob&) {
  Answer(*call, codec::EncodeFlag(options_.ready().ok()));
}

void GrpcFront::ServerMetadata(const GrpcCallPtr& call, const Blob&) {
  Answer(*call, codec::EncodeServerMetadata(options_.server));
}

// Triton's answer, too, is that of the whole server whatever service is named.
void GrpcFront::Health(const GrpcCallPtr& call, const Blob& message) {
  const auto service = codec::ParseHealthCheck(message);
  if (!service) return Fail(*call, service.error());
  constexpr int kServing = 1, kNotServing = 2;
  Answer(*call, codec::EncodeHealth(options_.ready().ok() ? kServing : kNotServing));
}

void GrpcFront::Reflect(GrpcCallPtr call) {
  net::GrpcCall& reader = *call;
  reader.Read([this, call = std::move(call)](std::optional<Blob> message) mutable {
    if (!message) return call->Finish({});
    const auto answer = codec::AnswerReflection(*message);
    if (!answer) return Fail(*call, answer.error());
    if (!call->Write({*answer}))
      return call->Finish({.code = kUnavailable, .message = "the client reads too slowly"});
    Reflect(std::move(call));
  });
}

// ---- models

void GrpcFront::ModelReady(const GrpcCallPtr& call, const Blob& message) {
  const auto asked = codec::ParseModelName(message);
  if (!asked) return Fail(*call, asked.error());
  manager_.IsReady(asked->name, asked->version,
                   [call](bool ready) { Answer(*call, codec::EncodeFlag(ready)); });
}

void GrpcFront::Describe(const GrpcCallPtr& call, const Blob& message, Encode encode) {
  auto asked = codec::ParseModelName(message);
  if (!asked) return Fail(*call, asked.error());
  const std::string name = asked->name;
  manager_.Describe(
      name, [call, encode, asked = std::move(*asked)](const Result<engine::ModelInfo>& info) {
        if (!info) return Fail(*call, info.error());
        if (!HasVersion(*info, asked.version))
          return Fail(*call, MakeStatus(Code::kNotFound,
                                        "Request for unknown model: '{}' version {} is not found",
                                        asked.name, asked.version));
        Answer(*call, encode(*info));
      });
}

void GrpcFront::ModelMetadata(const GrpcCallPtr& call, const Blob& message) {
  Describe(call, message, [](const engine::ModelInfo& info) -> Result<Blob> {
    return codec::EncodeModelMetadata(info.spec, info.versions);
  });
}

void GrpcFront::ModelConfig(const GrpcCallPtr& call, const Blob& message) {
  Describe(call, message, [](const engine::ModelInfo& info) {
    return codec::EncodeModelConfig(info.config_json);
  });
}

void GrpcFront::Statistics(const GrpcCallPtr& call, const Blob& message) {
  const auto asked = codec::ParseModelName(message);
  if (!asked) return Fail(*call, asked.error());
  CollectStatistics(manager_, asked->name, asked->version,
                    [call](const Result<std::vector<kserve::ModelStatistics>>& all) {
                      if (!all) return Fail(*call, all.error());
                      Answer(*call, codec::EncodeStatistics(*all));
                    });
}

void GrpcFront::Index(const GrpcCallPtr& call, const Blob& message) {
  const auto only_ready = codec::ParseIndexRequest(message);
  if (!only_ready) return Fail(*call, only_ready.error());
  manager_.Index([call, only_ready = *only_ready](const Result<std::vector<IndexRow>>& rows) {
    if (!rows) return Fail(*call, rows.error());
    Answer(*call, codec::EncodeRepositoryIndex(IndexEntriesOf(*rows, only_ready)));
  });
}

void GrpcFront::Load(const GrpcCallPtr& call, const Blob& message) {
  auto asked = codec::ParseLoadRequest(message, options_.max_load_file_bytes);
  if (!asked) return Fail(*call, asked.error());
  manager_.Load(std::move(asked->model),
                {std::move(asked->load.config_json), std::move(asked->load.files)},
                [call](const Status& status) { AnswerDone(*call, status); });
}

void GrpcFront::Unload(const GrpcCallPtr& call, const Blob& message) {
  auto asked = codec::ParseUnloadRequest(message);
  if (!asked) return Fail(*call, asked.error());
  manager_.Unload(
      std::move(asked->model), asked->unload.unload_dependents,
      [call](const Status& status) { AnswerDone(*call, IsUnloaded(status) ? Status() : status); });
}

// ---- settings

void GrpcFront::TraceSetting(const GrpcCallPtr& call, const Blob& message) {
  auto asked = codec::ParseTraceSettings(message);
  if (!asked) return Fail(*call, asked.error());
  options_.settings->Trace(std::move(asked->model), std::move(asked->settings),
                           [call](const Result<kserve::TraceSettings>& now) {
                             if (!now) return Fail(*call, now.error());
                             Answer(*call, codec::EncodeTraceSettings(*now));
                           });
}

void GrpcFront::LogSettings(const GrpcCallPtr& call, const Blob& message) {
  auto asked = codec::ParseLogSettings(message);
  if (!asked) return Fail(*call, asked.error());
  const auto now = options_.settings->Log(*asked);
  if (!now) return Fail(*call, now.error());
  Answer(*call, codec::EncodeLogSettings(*now));
}

// ---- shared memory

namespace {

template <typename Region>
void AnswerRegions(net::GrpcCall& call, const Result<std::vector<Region>>& regions) {
  if (!regions) return Fail(call, regions.error());
  Answer(call, codec::EncodeRegions(*regions));
}

}  // namespace

void GrpcFront::SharedStatus(const GrpcCallPtr& call, const Blob& message) {
  const auto name = codec::ParseRegionName(message);
  if (!name) return Fail(*call, name.error());
  AnswerRegions(*call, memory_.List(*name));
}

void GrpcFront::SharedRegister(const GrpcCallPtr& call, const Blob& message) {
  const auto region = codec::ParseSystemRegister(message);
  AnswerDone(*call, region ? memory_.Register(*region) : region.error());
}

void GrpcFront::SharedUnregister(const GrpcCallPtr& call, const Blob& message) {
  const auto name = codec::ParseRegionName(message);
  AnswerDone(*call, name ? memory_.Unregister(*name) : name.error());
}

void GrpcFront::CudaStatus(const GrpcCallPtr& call, const Blob& message) {
  const auto name = codec::ParseRegionName(message);
  if (!name) return Fail(*call, name.error());
  AnswerRegions(*call, memory_.ListCuda(*name));
}

void GrpcFront::CudaRegister(const GrpcCallPtr& call, const Blob& message) {
  const auto region = codec::ParseCudaRegister(message);
  AnswerDone(*call, region ? memory_.RegisterCuda(*region) : region.error());
}

void GrpcFront::CudaUnregister(const GrpcCallPtr& call, const Blob& message) {
  const auto name = codec::ParseRegionName(message);
  AnswerDone(*call, name ? memory_.UnregisterCuda(*name) : name.error());
}

// ---- inference

void GrpcFront::Infer(const GrpcCallPtr& call, const Blob& message) {
  inference_->RunUnary(call, message);
}

void GrpcFront::StreamInfer(GrpcCallPtr call) {
  const auto stream =
      std::make_shared<GrpcStream>(inference_, std::move(call), options_.max_stream_requests);
  streams_.Add(stream);
  stream->Start();
}

}  // namespace sarai::instance
