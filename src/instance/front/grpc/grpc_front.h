// Triton's GRPCInferenceService, gRPC's health check and server reflection. Models that are not
// loaded are loaded by the request that needs them, as over HTTP.
//
// Its place: the core owns it; `net` hands it each call. Threads: any; nothing here blocks. Calls
// may be answered after it is gone.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "instance/front/grpc/grpc_stream.h"
#include "instance/model_manager.h"
#include "instance/server_settings.h"
#include "net/grpc/server.h"
#include "wire/kserve/grpc_codec.h"
#include "wire/kserve/restricted_apis.h"

namespace sarai::instance {

struct GrpcFrontOptions {
  kserve::ServerMetadata server;
  kserve::ParseOptions parse;
  kserve::RestrictedApis restrictions;
  HeaderForwarding headers;
  uint64_t max_load_file_bytes = 1ull << 30;  // of a load request's files together
  uint32_t max_stream_requests = 1024;        // in flight in one stream; it is then read no further
  ServerSettings* settings = nullptr;         // outlives the front
  std::function<Status()> ready;              // of the server as a whole
};

class GrpcFront {
 public:
  GrpcFront(ModelManager& manager, SharedMemory& memory, GrpcFrontOptions options);

  void Handle(net::GrpcCallPtr call);
  // Streams take no more requests, and end when those in flight are answered.
  void BeginDrain();

 private:
  using Run = void (GrpcFront::*)(const net::GrpcCallPtr& call, const Blob& message);
  struct Method {
    std::string_view name;
    std::optional<kserve::ApiCategory> category;
    Run run = nullptr;                                      // unary
    void (GrpcFront::*stream)(net::GrpcCallPtr) = nullptr;  // or that
  };
  static const std::vector<Method>& Methods();
  bool Allowed(const Method& method, const net::GrpcCallPtr& call) const;

  void ServerLive(const net::GrpcCallPtr& call, const Blob& message);
  void ServerReady(const net::GrpcCallPtr& call, const Blob& message);
  void ServerMetadata(const net::GrpcCallPtr& call, const Blob& message);
  void ModelReady(const net::GrpcCallPtr& call, const Blob& message);
  void ModelMetadata(const net::GrpcCallPtr& call, const Blob& message);
  void ModelConfig(const net::GrpcCallPtr& call, const Blob& message);
  void Statistics(const net::GrpcCallPtr& call, const Blob& message);
  void Index(const net::GrpcCallPtr& call, const Blob& message);
  void Load(const net::GrpcCallPtr& call, const Blob& message);
  void Unload(const net::GrpcCallPtr& call, const Blob& message);
  void TraceSetting(const net::GrpcCallPtr& call, const Blob& message);
  void LogSettings(const net::GrpcCallPtr& call, const Blob& message);
  void SharedStatus(const net::GrpcCallPtr& call, const Blob& message);
  void SharedRegister(const net::GrpcCallPtr& call, const Blob& message);
  void SharedUnregister(const net::GrpcCallPtr& call, const Blob& message);
  void CudaStatus(const net::GrpcCallPtr& call, const Blob& message);
  void CudaRegister(const net::GrpcCallPtr& call, const Blob& message);
  void CudaUnregister(const net::GrpcCallPtr& call, const Blob& message);
  void Infer(const net::GrpcCallPtr& call, const Blob& message);
  void StreamInfer(net::GrpcCallPtr call);
  void Health(const net::GrpcCallPtr& call, const Blob& message);
  void Reflect(net::GrpcCallPtr call);
  using Encode = Result<Blob> (*)(const engine::ModelInfo&);
  void Describe(const net::GrpcCallPtr& call, const Blob& message, Encode encode);

  ModelManager& manager_;
  SharedMemory& memory_;
  const GrpcFrontOptions options_;
  const std::shared_ptr<const GrpcInference> inference_;
  net::GrpcOpenStreams streams_;  // its own synchronisation
};

}  // namespace sarai::instance
