// Seam 5 of 6: one inference framework. Each lives in its own shared object, libsarai_<name>.so,
// that exports SaraiMakeBackend (below); the rest of the process never sees the framework's headers
// or symbols.
//
// Exceptions: an implementation catches its framework's and returns Status; nothing is thrown here.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "types/inference.h"
#include "types/model_spec.h"
#include "types/tensor.h"

namespace sarai::backends {

// What the framework itself says of a loaded model, to complete and check its configuration.
// Dimensions are the framework's own, batch dimension included.
struct Signature {
  std::vector<TensorSpec> inputs;   // type kInvalid where the framework does not know it
  std::vector<TensorSpec> outputs;  // empty where the framework does not know
  bool first_dim_variable = false;  // every input and output begins with -1: it may batch
};

// One row of an iterative model's run: a request that may be run again and again.
struct IterationRow {
  CorrelationId sequence;  // its own while it lives
  uint64_t number = 0;     // how often it has run before
  bool null_row = false;   // fills a slot: nobody's
  CancellationPtr cancellation;
  // What the model says of it:
  bool again = false;   // not done: run it once more, with the states that this run gives
  bool respond = true;  // its row of the outputs is a response; before the last: decoupled models
};

struct ExecuteContext {
  std::vector<std::string> outputs;  // wanted ones, by name; empty = all of the spec's
  // Of the one request, or of none where several were batched.
  Parameters parameters;
  std::string request_id;
  CorrelationId sequence;
  CancellationPtr cancellation;
  // Of models with spec.sequence->iterative, one per row of the inputs; else empty. A backend that
  // does not look at them runs each request once.
  std::span<IterationRow> iteration;
};

// May be called from any thread, one call at a time, until `final`. A response without outputs is
// only the end.
using Respond = std::move_only_function<void(Result<std::vector<Tensor>> outputs, bool final)>;

// One loaded model. Execute may be called from several threads at once (at most
// spec.instance_count). Destruction frees what it holds before it returns.
class BackendModel {
 public:
  virtual ~BackendModel() = default;

  virtual const Signature& signature() const = 0;

  // Called once, after completion of the spec and before the first Execute: last checks of names
  // and types against the model. Default: accepts.
  virtual Status Prepare(const ModelSpec& spec) {
    (void)spec;
    return {};
  }

  // Inputs are complete and checked: every non-optional input is there, with its type and a shape
  // that fits the spec, batch dimension included. Outputs come in the framework's shapes.
  // Errors: kInvalidArgument when the framework refuses the inputs, kUnavailable when the process
  // that ran it died (the model is lost), kResourceExhausted out of memory, kInternal otherwise.
  virtual Result<std::vector<Tensor>> Execute(const std::vector<Tensor>& inputs,
                                              const ExecuteContext& context) = 0;

  // Models with spec.decoupled, not iterative: one request, any number of responses. Returns when
  // the instance can take the next request; `respond` may be called during and after. Errors: as of
  // Execute; then `respond` is not called any more. Outputs named as states, until it returns, are
  // kept as such.
  virtual Status ExecuteDecoupled(const std::vector<Tensor>& inputs, const ExecuteContext& context,
                                  Respond respond) {
    (void)inputs, (void)context, (void)respond;
    return MakeStatus(Code::kUnimplemented, "this backend has no decoupled models");
  }

  // Private bytes that this model holds now: weights and what the framework keeps with them.
  virtual uint64_t memory_bytes() const = 0;
};

struct BackendOptions {
  int intra_op_threads = 0;  // of the pool that all models of the backend share; 0 = one per core
  std::map<std::string, std::string> settings;  // --backend-config=NAME,key=value
};

class Backend {
 public:
  virtual ~Backend() = default;

  virtual std::string name() const = 0;
  virtual std::string runtime_version() const = 0;  // of the framework, "1.32.0"

  // Blocking, on a loader thread; several loads may run at once. Errors: kDataLoss for a file that
  // is no model of this framework, kInvalidArgument for parameters it does not have.
  virtual Result<std::unique_ptr<BackendModel>> Load(const ModelSpec& spec) = 0;

  // Gives memory that unloaded models left behind back to the system. Off the request path.
  virtual void ReleaseMemory() {}

  // Called (from any thread) when all loaded models were lost at once, e.g. the process they live
  // in died. They answer kUnavailable from then on; the next Load starts afresh.
  virtual void OnModelsLost(std::function<void(Status why)> callback) { (void)callback; }

  // Processes other than this one in which the backend holds models (none when in process).
  virtual std::vector<int> process_ids() const { return {}; }
};

// Exported by each backend's shared object: `extern "C"`, returns an owning pointer, or null with
// *error set (caller deletes both).
using MakeBackendFn = Backend* (*)(const BackendOptions* options, std::string* error);
inline constexpr char kMakeBackendSymbol[] = "SaraiMakeBackend";

}  // namespace sarai::backends
