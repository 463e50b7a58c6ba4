// What ModelInfer and ModelStreamInfer have in common: message -> request -> manager -> message.
//
// Threads: immutable; any.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "instance/front/header_forwarding.h"
#include "instance/front/inference.h"
#include "instance/model_manager.h"
#include "net/grpc/server.h"
#include "wire/kserve/grpc_codec.h"

namespace sarai::instance {

// What is needed of a request when its answer comes.
struct GrpcWishes {
  InferRequest request;  // its outputs and its id
  std::string model;
  bool empty_final = false;
  SharedOutputs shared;  // where outputs go instead
};

class GrpcInference {
 public:
  // `manager` and `memory` outlive all requests' beginnings, not their answers.
  GrpcInference(ModelManager& manager, SharedMemory& memory, kserve::ParseOptions parse,
                HeaderForwarding headers)
      : manager_(manager), memory_(memory), parse_(parse), headers_(std::move(headers)) {}

  struct Prepared {
    InferRequest request;
    GrpcWishes wishes;
  };
  // With the call's headers, deadline and cancellation.
  Result<Prepared> Prepare(const net::GrpcCall& call, const Blob& message) const;
  // Once, with a ModelInferResponse.
  void RunUnary(const net::GrpcCallPtr& call, const Blob& message) const;

  // Whether a loaded model of that name is decoupled; false while none is loaded.
  bool IsDecoupled(const std::string& model) const;
  ModelManager& manager() const { return manager_; }

 private:
  ModelManager& manager_;
  SharedMemory& memory_;
  const kserve::ParseOptions parse_;
  const HeaderForwarding headers_;
};

// Precondition: outcome.response is one.
Result<std::vector<Blob>> EncodeAnswer(const InferOutcome& outcome, const GrpcWishes& wishes,
                                       bool in_stream);

}  // namespace sarai::instance
