// Ensembles: whether steps and tensors fit together, and which steps run next. Pure: what the
// members look like, or what happened, in; verdicts and steps to start out. Semantics: Triton's
// ensemble scheduler (docs/user_guide/ensemble_models.md).
#pragma once

#include <cstddef>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "types/model_spec.h"

namespace sarai::policy {

// What an ensemble needs to know of the model that a step calls.
struct EnsembleMember {
  int64_t max_batch_size = 0;
  std::vector<TensorSpec> inputs, outputs;
  bool decoupled = false;
  bool known = true;  // false: its configuration does not tell before it is loaded
};

// `members`: by step of `ensemble.ensemble`. Every tensor has one producer, every step can start,
// every output is produced, every tensor is read, what a step reads together comes from the same
// decoupled step or from none, and types and shapes agree (-1 fits anything; with the batch
// dimension or without). Members that are not known are taken at the configuration's word. Errors:
// kInvalidArgument, with the step, its model and the tensor.
Status CheckEnsemble(const ModelSpec& ensemble, std::span<const EnsembleMember> members);

// The steps that these outputs of the ensemble need; empty = all outputs.
std::vector<bool> NeededSteps(const ModelSpec& ensemble, const std::vector<std::string>& outputs);

// A tensor's shape for whoever takes it next, `dims` its own view without batch dimension. Only
// where one side batches and the other does not: a batch of one is put on or taken off if `dims`
// do not fit otherwise.
Shape PassedOnShape(std::span<const int64_t> dims, bool batches, bool from_batching,
                    const Shape& shape);

// One request's way through the steps: each is started once, as soon as all it reads is there.
// `spec` outlives it.
class EnsembleProgress {
 public:
  using Tensors = std::set<std::string, std::less<>>;

  explicit EnsembleProgress(const EnsembleSpec& spec);

  // These tensors are now known; returns the steps to start, in the order of the configuration.
  // The request's own come first, with its optional inputs that were left out: those are known to
  // be absent.
  std::vector<size_t> Known(const Tensors& tensors);

  size_t waiting() const { return waiting_; }  // steps that were not started yet

 private:
  bool CanStart(size_t step) const;

  const EnsembleSpec& spec_;
  Tensors known_;
  std::vector<bool> started_;
  size_t waiting_;
};

}  // namespace sarai::policy
