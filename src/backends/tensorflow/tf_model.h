// One SavedModel in TensorFlow: one session, that all runs share.
//
// Owned by the engine, or by the host process. Every input is checked against the signature before
// it reaches the graph: TensorFlow ends the process over some that do not fit.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "backends/backend.h"
#include "backends/common/heap_growth.h"
#include "backends/tensorflow/saved_model.h"
#include "backends/tensorflow/tf_api.h"

namespace sarai::backends::tensorflow {

// What all models share.
struct TfRuntime {
  std::shared_ptr<const TfApi> api;
  int threads = 0;  // the backend's option; 0 = one for each core
  HeapMeter meter;
};

// Parameters of the model's config with an effect, as in Triton (all others are free text):
//   TF_SIGNATURE_DEF            default "serving_default", else the first one
//   TF_GRAPH_TAG                default "serve", else the first graph
//   TF_NUM_INTRA_THREADS, TF_NUM_INTER_THREADS   of the process-wide pools: the first model that
//                               is loaded decides, unless it has pools of its own
//   TF_USE_PER_SESSION_THREADS  YES: thread pools of its own
// Without effect: MAX_SESSION_SHARE_COUNT (there is always one session), TF_INIT_OPS_FILE
// (GraphDef only, which is not served).
class TfModel final : public BackendModel {
 public:
  static Result<std::unique_ptr<TfModel>> Load(std::shared_ptr<TfRuntime> runtime,
                                               const ModelSpec& spec);
  ~TfModel() override;

  const Signature& signature() const override { return signature_; }
  Status Prepare(const ModelSpec& spec) override;
  Result<std::vector<Tensor>> Execute(const std::vector<Tensor>& inputs,
                                      const ExecuteContext& context) override;
  uint64_t memory_bytes() const override { return loaded_bytes_; }

 private:
  TfModel(std::shared_ptr<TfRuntime> runtime, ModelSpec spec);
  Status ReadFile();
  Status OpenSession();
  Result<TF_Output> PlaceOf(const std::string& what, const GraphTensor& tensor) const;
  Status CheckInput(const Tensor& input, const GraphTensor& place, const Shape& shape) const;

  const std::shared_ptr<TfRuntime> runtime_;
  const std::shared_ptr<const TfApi> api_;
  // Constant after Prepare.
  ModelSpec spec_;
  std::vector<std::string> tags_;
  GraphSignature graph_signature_;
  Signature signature_;
  TF_Graph* graph_ = nullptr;
  TF_Session* session_ = nullptr;
  uint64_t loaded_bytes_ = 0;
};

}  // namespace sarai::backends::tensorflow
