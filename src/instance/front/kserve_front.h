// KServe v2 / Triton inference protocol over HTTP: health, metadata, configuration, statistics,
// inference, shared memory and the model repository. Models that are not loaded are loaded by the
// request that needs them, unless an explicit unload holds.
//
// Threads: any; nothing here blocks.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "instance/front/generation.h"
#include "instance/front/header_forwarding.h"
#include "instance/front/inference.h"
#include "instance/front/shared_memory_front.h"
#include "instance/model_manager.h"
#include "wire/http/message.h"
#include "wire/http/router.h"
#include "wire/http/uri.h"

namespace sarai::instance {

struct KserveFrontOptions {
  std::string instance_id;
  kserve::ServerMetadata server;
  kserve::ParseOptions parse;
  HeaderForwarding headers;
  uint64_t max_load_file_bytes = 1ull << 30;  // of the files that a load request brings
  uint64_t max_body_bytes = 256ull << 20;     // of an inference, decompressed
  std::function<Status()> ready;              // of the server as a whole
};

class KserveFront {
 public:
  KserveFront(ModelManager& manager, SharedMemory& memory, KserveFrontOptions options);

  void Handle(http::Request request, const http::Target& target, http::Responder respond);

 private:
  enum class Call {
    kServer,
    kLive,
    kReady,
    kModel,
    kModelReady,
    kConfig,
    kStatistics,
    kInfer,
    kGenerate,
    kGenerateStream,
    kIndex,
    kLoad,
    kUnload,
    kNamedRepository
  };

  void AddModelRoutes(const std::string& prefix);
  void Server(http::Responder respond) const;
  void Ready(http::Responder respond) const;
  void ModelReady(const std::string& name, const std::string& version, http::Responder respond);
  void Statistics(const std::string& name, const std::string& version, http::Responder respond);
  // `encode` makes the body out of what is known of the model.
  using Encode = std::string (*)(const engine::ModelInfo&);
  void Describe(const std::string& name, const std::string& version, Encode encode,
                http::Responder respond);
  void Infer(const http::Request& request, std::string name, std::string version,
             http::Responder respond);
  void Generate(const http::Request& request, std::string name, std::string version, bool streaming,
                http::Responder respond);
  void Index(const http::Request& request, http::Responder respond);
  void Load(const http::Request& request, const std::string& name, http::Responder respond);
  void Unload(const http::Request& request, const std::string& name, http::Responder respond);

  ModelManager& manager_;
  const KserveFrontOptions options_;
  const Inference inference_;
  const Generation generation_;
  SharedMemoryFront shared_memory_;
  http::Router<Call> router_;
};

}  // namespace sarai::instance
