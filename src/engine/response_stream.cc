#include "engine/response_stream.h"

#include <utility>

#include "engine/batch.h"

namespace sarai::engine {
namespace {

// The request without its inputs, which the backend may still be reading.
Pending WhatResponsesNeed(PendingRequest& pending) {
  auto kept = std::make_unique<PendingRequest>();
  kept->request.id = pending.request.id;
  kept->request.outputs = pending.request.outputs;
  kept->request.cancellation = pending.request.cancellation;
  kept->request.trace = std::move(pending.request.trace);
  kept->batch = pending.batch;
  kept->arrived = pending.arrived;
  kept->respond = std::move(pending.respond);
  return kept;
}

}  // namespace

ResponseStream::ResponseStream(std::shared_ptr<ServedVersion> version, PendingRequest& pending,
                               const Clock& clock, OnEnd on_end)
    : version_(std::move(version)), clock_(clock), on_end_(std::move(on_end)) {
  request_.push_back(WhatResponsesNeed(pending));
  start_ = input_end_ = last_ = clock_.Now();
}

void ResponseStream::OnComputeStart(TimePoint start, TimePoint input_end) {
  const TracePtr& trace = request_.front()->request.trace;
  Stamp(trace, TraceActivity::kComputeStart, start);
  Stamp(trace, TraceActivity::kComputeInputEnd, input_end);
  std::lock_guard lock(mu_);
  start_ = start;
  input_end_ = last_ = input_end;
}

void ResponseStream::Respond(Result<std::vector<Tensor>> outputs, bool final) {
  if (!outputs)
    outputs = Error(outputs.error().WithContext(fmt::format("model '{}'", version_->spec().name)));
  Put({.outputs = std::move(outputs), .final = final, .at = clock_.Now()});
}

void ResponseStream::Fail(Status why) {
  Put({.outputs = Error(std::move(why)), .final = true, .at = clock_.Now()});
}

void ResponseStream::Put(Item item) {
  std::unique_lock lock(mu_);
  if (closed_) return;
  closed_ = item.final;
  items_.push_back(std::move(item));
  if (std::exchange(delivering_, true)) return;
  while (!items_.empty()) {
    Item next = std::move(items_.front());
    items_.pop_front();
    lock.unlock();
    PassOn(std::move(next));
    lock.lock();
  }
  delivering_ = false;
}

void ResponseStream::PassOn(Item item) {
  PendingRequest& request = *request_.front();
  if (number_ == 0) Stamp(request.request.trace, TraceActivity::kComputeOutputStart, item.at);
  auto response = ResponseOf(item);
  const Status error = !response ? response.error() : response->final ? response->error : Status();
  Count(item, response && response->error.ok(), response && response->outputs.empty());
  if (!item.final) return request.respond(std::move(response));
  // All is counted before the answer goes out, as for other models.
  CountEnd(error);
  InferResponder respond = std::move(request.respond);
  respond(std::move(response));
  respond = nullptr;  // what it holds goes before the end is told
  request.request.trace = nullptr;
  on_end_(shared_from_this());
}

Result<InferResponse> ResponseStream::ResponseOf(Item& item) {
  const ModelSpec& spec = version_->spec();
  const InferRequest& request = request_.front()->request;
  InferResponse response{.model = spec.name, .version = spec.version, .id = request.id};
  response.final = item.final;
  auto outputs = item.outputs && !item.outputs->empty()
                     ? CheckResponse(spec, std::move(*item.outputs), *request_.front())
                     : std::move(item.outputs);
  if (outputs) {
    response.outputs = std::move(*outputs);
    if (request.trace != nullptr && request.trace->wants_tensors())
      for (const Tensor& tensor : response.outputs)
        request.trace->AddTensor(TraceActivity::kTensorBackendOutput, tensor);
    return response;
  }
  if (item.final) return Error(std::move(outputs).error());
  response.error = std::move(outputs).error();
  return response;
}

void ResponseStream::Count(const Item& item, bool ok, bool empty) {
  const TimePoint end = clock_.Now();
  version_->counters().OnResponse(
      number_++, {.compute_infer = item.at - last_,
                  .compute_output = end - item.at,
                  .ok = ok,
                  .empty = empty,
                  .cancelled = !ok && IsCancelled(request_.front()->request.cancellation)});
  last_ = end;
}

void ResponseStream::CountEnd(const Status& end) {
  const PendingRequest& request = *request_.front();
  const TimePoint now = clock_.Now();
  Stamp(request.request.trace, TraceActivity::kComputeEnd, now);
  std::unique_lock lock(mu_);
  Counters::Run run{.requests = 1,
                    .batch = request.batch,
                    .queue = start_ - request.arrived,
                    .compute_input = input_end_ - start_,
                    .compute_infer = now - input_end_,
                    .lived = now - request.arrived,
                    .ok = end.ok(),
                    .at = clock_.WallNow()};
  lock.unlock();
  if (!end.ok() && (end.code() == Code::kCancelled || IsCancelled(request.request.cancellation)))
    run.reason = FailureReason::kCanceled;
  version_->counters().OnRun(run);
  version_->counters().Leave();
}

}  // namespace sarai::engine
