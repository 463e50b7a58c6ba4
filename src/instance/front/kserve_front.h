// KServe v2 / Triton inference protocol over HTTP: health, metadata, configuration, inference and
// the model repository. Models that are not loaded are loaded by the request that needs them,
// unless an explicit unload holds.
//
// Threads: any; nothing here blocks.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "instance/front/inference.h"
#include "instance/model_manager.h"
#include "wire/http/message.h"
#include "wire/http/router.h"
#include "wire/http/uri.h"

namespace sarai::instance {

// What every front says of the server.
kserve::ServerMetadata ServerMetadataOf(std::string version);

struct KserveFrontOptions {
  std::string instance_id;
  std::string server_version;
  kserve::ParseOptions parse;
  std::function<Status()> ready;  // of the server as a whole
};

class KserveFront {
 public:
  KserveFront(ModelManager& manager, KserveFrontOptions options);

  void Handle(http::Request request, const http::Target& target, http::Responder respond);

 private:
  enum class Call {
    kServer,
    kLive,
    kReady,
    kModel,
    kModelReady,
    kConfig,
    kInfer,
    kIndex,
    kLoad,
    kUnload,
    kNamedRepository
  };

  void AddModelRoutes(const std::string& prefix);
  void Server(http::Responder respond) const;
  void Ready(http::Responder respond) const;
  void ModelReady(const std::string& name, const std::string& version,
                  http::Responder respond) const;
  // `encode` makes the body out of what is known of the model.
  using Encode = std::string (*)(const engine::ModelInfo&);
  void Describe(const std::string& name, const std::string& version, Encode encode,
                http::Responder respond);
  void Infer(const http::Request& request, std::string name, std::string version,
             http::Responder respond);
  void Index(const http::Request& request, http::Responder respond);
  void Load(const http::Request& request, const std::string& name, http::Responder respond);
  void Unload(const std::string& name, http::Responder respond);

  ModelManager& manager_;
  const KserveFrontOptions options_;
  const Inference inference_;
  http::Router<Call> router_;
};

}  // namespace sarai::instance
