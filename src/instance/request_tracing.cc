#include "instance/request_tracing.h"

#include <vector>

namespace sarai::instance {
namespace {

uint64_t BytesOf(const std::vector<Tensor>& tensors) {
  uint64_t bytes = 0;
  for (const Tensor& tensor : tensors) bytes += tensor.data.bytes().size();
  return bytes;
}

void NoteFailure(TraceRecord& record, const Status& why) {
  record.error = why.message();
  record.code = why.code();
}

}  // namespace

void BeginTrace(telemetry::Tracer& tracer, InferRequest& request, TimePoint arrived) {
  if (request.trace == nullptr && request.caller.over != Caller::Over::kStep)
    request.trace = tracer.Start(request.model, request.id, request.caller);
  if (request.trace == nullptr) return;
  request.trace->SetModel(request.model, request.version);
  request.trace->Stamp(TraceActivity::kRequestStart, arrived);
  request.trace->Note([&](TraceRecord& record) { record.bytes_in = BytesOf(request.inputs); });
}

void NoteAnswer(const TracePtr& trace, const Result<InferResponse>& response, TimePoint now) {
  trace->Note([&](TraceRecord& record) {
    if (!response) return NoteFailure(record, response.error());
    if (!response->error.ok()) NoteFailure(record, response->error);
    if (!response->version.empty()) record.version = response->version;
    record.bytes_out += BytesOf(response->outputs);
  });
  if (!response || response->final) trace->Stamp(TraceActivity::kRequestEnd, now);
}

}  // namespace sarai::instance
