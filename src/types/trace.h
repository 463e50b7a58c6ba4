// What happened to one traced request, and when. Made by the front end for the requests that its
// settings pick; whoever handles the request stamps it; the record goes to the sink when the last
// share in the trace is dropped.
//
// Numbers and names are those of Triton's TRITONSERVER_InferenceTraceActivity and of its front
// ends' own stamps (docs/user_guide/trace.md).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "types/tensor.h"

namespace sarai {

enum class TraceActivity {
  kRequestStart = 0,
  kQueueStart = 1,
  kComputeStart = 2,
  kComputeInputEnd = 3,
  kComputeOutputStart = 4,
  kComputeEnd = 5,
  kRequestEnd = 6,
  kTensorQueueInput = 7,
  kTensorBackendInput = 8,
  kTensorBackendOutput = 9,
  // Ours: the wait for a model that was not loaded.
  kResidencyStart = 100,
  kResidencyEnd = 101,
  kReceiveStart = 102,  // HTTP_RECV_START, GRPC_WAITREAD_START
  kReceiveEnd = 103,
  kSendStart = 104,  // HTTP_SEND_START, GRPC_SEND_START
  kSendEnd = 105
};

struct TraceRecord {
  uint64_t id = 0;         // unique in the process, from 1
  uint64_t parent_id = 0;  // 0 = none
  std::string model, version, request_id;
  // W3C trace context: of this request's own span, and of the span it was called from.
  std::string trace_id, span_id, parent_span_id;  // lower-case hex; may be empty
  bool over_grpc = false;
  struct Stamp {
    TraceActivity activity = TraceActivity::kRequestStart;
    TimePoint at;
  };
  std::vector<Stamp> stamps;  // in the order of stamping
  struct TracedTensor {
    TraceActivity activity = TraceActivity::kTensorQueueInput;
    Tensor tensor;
  };
  std::vector<TracedTensor> tensors;
  std::string error;  // empty = it succeeded
};

class RequestTrace;
using TracePtr = std::shared_ptr<RequestTrace>;

// Threads: any.
class RequestTrace {
 public:
  using Sink = std::function<void(TraceRecord)>;
  // Makes the record of a request that this one causes (a step of an ensemble): ids set.
  using MakeChild = std::function<TraceRecord(const TraceRecord& parent)>;

  struct Options {
    bool timestamps = true, tensors = false;
    Sink sink;
    MakeChild make_child;
  };
  RequestTrace(TraceRecord record, std::shared_ptr<const Options> options);
  ~RequestTrace();  // hands the record to the sink

  RequestTrace(const RequestTrace&) = delete;
  RequestTrace& operator=(const RequestTrace&) = delete;

  bool wants_tensors() const { return options_->tensors; }
  void SetModel(std::string_view model, std::string_view version);
  void SetError(std::string_view error);
  void Stamp(TraceActivity activity, TimePoint at);
  void AddTensor(TraceActivity activity, const Tensor& tensor);
  TracePtr Child() const;

 private:
  const std::shared_ptr<const Options> options_;

  mutable std::mutex mu_;
  TraceRecord record_;  // guarded by mu_
};

inline void Stamp(const TracePtr& trace, TraceActivity activity, TimePoint at) {
  if (trace) trace->Stamp(activity, at);
}

}  // namespace sarai
