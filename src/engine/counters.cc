#include "engine/counters.h"

#include <algorithm>

namespace sarai::engine {
namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;

void AddTo(DurationSum& sum, uint64_t times, Duration total) {
  sum.count += times;
  sum.ns += static_cast<uint64_t>(std::max<int64_t>(total.count(), 0));
}

void MergeSum(DurationSum& into, const DurationSum& other) {
  into.count += other.count;
  into.ns += other.ns;
}

void MergeBatches(std::vector<BatchSizeCounters>& into,
                  const std::vector<BatchSizeCounters>& other) {
  for (const BatchSizeCounters& size : other) {
    const auto same = std::ranges::find(into, size.batch_size, &BatchSizeCounters::batch_size);
    if (same == into.end()) {
      into.push_back(size);
      continue;
    }
    MergeSum(same->compute_input, size.compute_input);
    MergeSum(same->compute_infer, size.compute_infer);
    MergeSum(same->compute_output, size.compute_output);
  }
}

void MergeResponses(std::vector<ResponseCounters>& into,
                    const std::vector<ResponseCounters>& other) {
  if (into.size() < other.size()) into.resize(other.size());
  for (size_t i = 0; i < other.size(); ++i) {
    MergeSum(into[i].compute_infer, other[i].compute_infer);
    MergeSum(into[i].compute_output, other[i].compute_output);
    MergeSum(into[i].success, other[i].success);
    MergeSum(into[i].fail, other[i].fail);
    MergeSum(into[i].empty_response, other[i].empty_response);
    MergeSum(into[i].cancel, other[i].cancel);
  }
}

}  // namespace

void Counters::AtomicSum::Add(uint64_t times, Duration total) {
  count.fetch_add(times, kRelaxed);
  ns.fetch_add(static_cast<uint64_t>(std::max<int64_t>(total.count(), 0)), kRelaxed);
}

DurationSum Counters::AtomicSum::Read() const { return {count.load(kRelaxed), ns.load(kRelaxed)}; }

void Counters::OnArrival(TimePoint now) {
  requests_.fetch_add(1, kRelaxed);
  last_used_ns_.store(now.time_since_epoch().count(), kRelaxed);
}

void Counters::OnRefused(FailureReason reason, Duration lived) { Fail(reason, 1, lived); }

void Counters::Fail(FailureReason reason, uint64_t times, Duration lived) {
  failures_.fetch_add(times, kRelaxed);
  failures_by_[static_cast<size_t>(reason)].fetch_add(times, kRelaxed);
  fail_.Add(times, lived);
}

void Counters::OnRun(const Run& run) {
  executions_.fetch_add(1, kRelaxed);
  if (!run.ok) {
    Fail(run.reason, run.requests, run.lived);
    return;
  }
  const auto times = static_cast<int64_t>(run.requests + run.going_on);
  inferences_.fetch_add(static_cast<uint64_t>(run.batch), kRelaxed);
  last_inference_us_.store(run.at.time_since_epoch().count(), kRelaxed);
  success_.Add(run.requests, run.lived);
  queue_.Add(run.requests, run.queue);
  // Each request of a batch was under way for the whole of it.
  compute_input_.Add(run.requests, run.compute_input * times);
  compute_infer_.Add(run.requests, run.compute_infer * times);
  compute_output_.Add(run.requests, run.compute_output * times);

  std::lock_guard lock(mu_);
  // As in Triton: the batch as the model saw it.
  const int64_t rows = run.batch + run.null_rows + static_cast<int64_t>(run.going_on);
  BatchSizeCounters& size = by_batch_size_[rows];
  size.batch_size = rows;
  AddTo(size.compute_input, 1, run.compute_input);
  AddTo(size.compute_infer, 1, run.compute_infer);
  AddTo(size.compute_output, 1, run.compute_output);
}

void Counters::OnResponse(size_t number, const Response& response) {
  const Duration whole = response.compute_infer + response.compute_output;
  number = std::min(number, kResponsesMax - 1);
  std::lock_guard lock(mu_);
  if (by_response_.size() <= number) by_response_.resize(number + 1);
  ResponseCounters& counters = by_response_[number];
  AddTo(counters.compute_infer, 1, response.compute_infer);
  if (response.cancelled) return AddTo(counters.cancel, 1, whole);
  if (!response.ok) return AddTo(counters.fail, 1, whole);
  if (response.empty) return AddTo(counters.empty_response, 1, whole);
  AddTo(counters.compute_output, 1, response.compute_output);
  AddTo(counters.success, 1, whole);
}

void Counters::OnRetriedRun() { executions_.fetch_add(1, kRelaxed); }

ModelCounters Counters::Read() const {
  ModelCounters read;
  read.requests = requests_.load(kRelaxed);
  read.failures = failures_.load(kRelaxed);
  read.executions = executions_.load(kRelaxed);
  read.inferences = inferences_.load(kRelaxed);
  read.in_flight = in_flight_.load(kRelaxed);
  read.last_used = TimePoint(Duration(last_used_ns_.load(kRelaxed)));
  read.last_inference = WallTime(WallTime::duration(last_inference_us_.load(kRelaxed)));
  read.success = success_.Read();
  read.fail = fail_.Read();
  read.queue = queue_.Read();
  read.compute_input = compute_input_.Read();
  read.compute_infer = compute_infer_.Read();
  read.compute_output = compute_output_.Read();
  read.pending = pending_.load(kRelaxed);
  read.sequences = sequences_.load(kRelaxed);
  for (size_t i = 0; i < kFailureReasons; ++i) read.failures_by[i] = failures_by_[i].load(kRelaxed);
  read.cache_hit = cache_hit_.Read();
  read.cache_miss = cache_miss_.Read();
  std::lock_guard lock(mu_);
  for (const auto& [size, counters] : by_batch_size_) read.batches.push_back(counters);
  read.responses = by_response_;
  return read;
}

void Merge(ModelCounters& into, const ModelCounters& other) {
  into.requests += other.requests;
  into.failures += other.failures;
  into.executions += other.executions;
  into.inferences += other.inferences;
  into.in_flight += other.in_flight;
  into.last_used = std::max(into.last_used, other.last_used);
  into.last_inference = std::max(into.last_inference, other.last_inference);
  MergeSum(into.success, other.success);
  MergeSum(into.fail, other.fail);
  MergeSum(into.queue, other.queue);
  MergeSum(into.compute_input, other.compute_input);
  MergeSum(into.compute_infer, other.compute_infer);
  MergeSum(into.compute_output, other.compute_output);
  MergeSum(into.cache_hit, other.cache_hit);
  MergeSum(into.cache_miss, other.cache_miss);
  into.pending += other.pending;
  into.sequences += other.sequences;
  for (size_t i = 0; i < kFailureReasons; ++i) into.failures_by[i] += other.failures_by[i];
  MergeBatches(into.batches, other.batches);
  MergeResponses(into.responses, other.responses);
}

}  // namespace sarai::engine
