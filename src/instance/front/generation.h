// Triton's generate extension over HTTP: one JSON object in, one out, or one server-sent event for
// each response of the model.
//
// Threads: any; nothing here blocks. Answers may come when it is gone: they hold what they need.
// Invariant: a client that leaves cancels its request.
#pragma once

#include <string>
#include <utility>

#include "instance/front/inference.h"

namespace sarai::instance {

class Generation {
 public:
  // `manager` outlives it.
  Generation(ModelManager& manager, kserve::ParseOptions parse, std::string instance_id)
      : manager_(manager), parse_(parse), instance_id_(std::move(instance_id)) {}

  struct Call {
    std::string model, version;
    Blob body;
    bool streaming = false;
    Caller caller;
    CancellationPtr cancellation;  // null = made here
    Parameters forwarded;          // headers
  };
  void Run(Call call, http::Responder respond) const;

 private:
  void Start(Call call, const engine::ModelInfo& model, http::Responder respond) const;

  ModelManager& manager_;
  const kserve::ParseOptions parse_;
  const std::string instance_id_;
};

}  // namespace sarai::instance
