// The container contract of multi-model endpoints: ping, load, list, get, unload, invoke; and
// /invocations for an instance of one model.
//
// Which model an invoke means: a model loaded by POST /models goes by the URL's name, and a
// TargetModel header must then be the one it was loaded for. Otherwise the TargetModel header names
// the model and the URL's name is opaque; without the header the URL's name is it.
//
// Threads: any. /ping never waits for anything.
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

struct MmeFrontOptions {
  std::string instance_id;
  kserve::ParseOptions parse;
  uint64_t max_body_bytes = 256ull << 20;  // of an inference, decompressed
  std::optional<std::string> single_model;
  // Single-model mode: OK when the model is loaded, otherwise why not.
  std::function<Status()> single_model_state;
};

class MmeFront {
 public:
  MmeFront(ModelManager& manager, SharedMemory& memory, MmeFrontOptions options);

  void Handle(http::Request request, const http::Target& target, http::Responder respond);

 private:
  enum class Call { kPing, kLoad, kList, kGet, kUnload, kInvoke, kInvocations };

  void Ping(http::Responder respond) const;
  void Load(const http::Request& request, http::Responder respond);
  void List(const http::Target& target, http::Responder respond) const;
  void Get(const std::string& name, http::Responder respond) const;
  void Unload(const http::Request& request, const std::string& name, http::Responder respond);
  void Invoke(const http::Request& request, const std::string& name, http::Responder respond);
  void Infer(const http::Request& request, std::string model, http::Responder respond);
  // The model that URL name and header mean together.
  Result<std::string> ModelOf(const http::Request& request, const std::string& name) const;

  ModelManager& manager_;
  const MmeFrontOptions options_;
  const Inference inference_;
  http::Router<Call> router_;
};

}  // namespace sarai::instance
