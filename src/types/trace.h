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
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/status.h"
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
  kSendEnd = 105,
  kFetchStart = 106,  // ours: what of fetching and loading its model fell into the wait
  kFetchEnd = 107,
  kLoadStart = 108,
  kLoadEnd = 109
};

// Who sent a request, and how.
struct Caller {
  enum class Over { kHttp, kGrpc, kStep };  // kStep: an ensemble, a model
  Over over = Over::kHttp;
  std::string peer;                       // "127.0.0.1:51234"; may be empty
  std::string trace_parent, trace_state;  // W3C's, as sent; may be empty
};

struct TraceRecord {
  uint64_t id = 0;         // unique in the process, from 1
  uint64_t parent_id = 0;  // 0 = none
  std::string model, version, request_id;
  // W3C trace context: of this request's own span, and of the span it was called from.
  std::string trace_id, span_id, parent_span_id;  // lower-case hex; may be empty
  std::string trace_state;                        // of the caller's, passed on
  Caller::Over over = Caller::Over::kHttp;
  std::string peer;
  bool sampled = true;                   // false: made for the access log alone
  bool cold = false;                     // it waited for its model
  uint64_t bytes_in = 0, bytes_out = 0;  // of tensors
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
  std::string error;         // empty = it succeeded
  std::optional<Code> code;  // of the error

  // The first stamp of that kind; nothing if there is none.
  std::optional<TimePoint> At(TraceActivity activity) const;
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
  // Whatever else is to be noted; `edit` is called at once, with the record locked.
  template <typename Edit>
  void Note(Edit edit) {
    std::lock_guard lock(mu_);
    edit(record_);
  }
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
