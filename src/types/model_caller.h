// Seam 6 of 6: how a backend or an ensemble calls another model without knowing the engine.
#pragma once

#include "types/inference.h"

namespace sarai {

class ModelCaller {
 public:
  virtual ~ModelCaller() = default;
  // `request.model` names the model; the responder is called as InferResponder
  // says. Never blocks.
  virtual void Call(InferRequest request, InferResponder respond) = 0;
};

}  // namespace sarai
