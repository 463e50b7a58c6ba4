// The server under load, as the runner sees it: it takes requests for models and says how each
// ended. HTTP and gRPC are two kinds of it.
//
// Threads: Send from any; the callback comes once per request, on a thread of the target's. After
// the destructor no callback runs.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "loadgen/options.h"
#include "loadgen/tally.h"

namespace sarai::loadgen {

struct Reply {
  std::optional<Warmth> warmth;  // nothing = the server does not say
  std::string error;             // empty = answered; else its kind, as in Outcome
  std::string detail;
  uint64_t bytes = 0;
};
using OnReply = std::move_only_function<void(Reply)>;

class Target {
 public:
  virtual ~Target() = default;

  // Blocking, before the load. kUnimplemented: this kind of server does not tell.
  virtual Result<std::vector<std::string>> ReadIndex() = 0;
  virtual Result<Signature> ReadSignature(const std::string& model) = 0;

  // The requests to come: one body for all of `models`. Once, before the first Send.
  virtual Status Prepare(const std::vector<std::string>& models, const PayloadOptions& payload,
                         const InferRequest& request) = 0;
  virtual uint64_t request_bytes() const = 0;
  virtual std::string Describe() const = 0;

  virtual void Send(size_t model, OnReply done) = 0;
};

// Errors: a file of certificates that cannot be used.
Result<std::unique_ptr<Target>> MakeHttpTarget(const TargetOptions& options, size_t max_outstanding,
                                               const Clock& clock);
std::unique_ptr<Target> MakeGrpcTarget(const TargetOptions& options, size_t max_outstanding,
                                       const Clock& clock);

// "warm" or "cold", as x-sarai-model-state says it.
std::optional<Warmth> ReadWarmth(std::string_view state);

}  // namespace sarai::loadgen
