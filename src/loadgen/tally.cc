#include "loadgen/tally.h"

#include <algorithm>

namespace sarai::loadgen {

Slice& Tally::SliceAt(Duration at) {
  auto index = static_cast<size_t>(std::max(at, Duration(0)) / slice_);
  while (index >= options_.max_slices) {  // two become one
    for (size_t i = 0; i < slices_.size(); ++i) {
      Slice& into = slices_[i / 2];
      if (i % 2 == 0) {
        if (i > 0) into = std::move(slices_[i]);
        continue;
      }
      into.latency.Merge(slices_[i].latency);
      into.errors += slices_[i].errors;
      into.cold += slices_[i].cold;
      into.refused += slices_[i].refused;
    }
    slices_.resize((slices_.size() + 1) / 2);
    slice_ *= 2;
    index /= 2;
  }
  if (index >= slices_.size()) slices_.resize(index + 1);
  return slices_[index];
}

// Each of `seen` samples stays with the same probability (reservoir sampling).
void Tally::Keep(std::vector<Sample>& samples, uint64_t seen, const Sample& sample) {
  if (samples.size() < options_.max_samples) return samples.push_back(sample);
  const uint64_t place = random_.Below(seen);
  if (place < samples.size()) samples[place] = sample;
}

void Tally::RecordError(const Outcome& outcome) {
  ++failed_;
  ++models_[outcome.model].errors;
  ++SliceAt(outcome.intended).errors;
  const bool known = errors_.contains(outcome.error);
  const bool room = known || errors_.size() < options_.max_error_kinds;
  ErrorTally& kind = errors_[room ? outcome.error : "other"];
  if (kind.count++ == 0) kind.example = outcome.detail.substr(0, 300);
}

void Tally::Record(const Outcome& outcome) {
  response_bytes_ += outcome.response_bytes;
  if (!outcome.error.empty()) return RecordError(outcome);
  const bool cold = outcome.warmth == Warmth::kCold;
  Histogram& latency = cold ? cold_ : warm_;
  latency.Record(outcome.latency);
  if (options_.expected_interval > Duration(0))
    corrected_.RecordCorrected(outcome.latency, options_.expected_interval);
  ModelTally& model = models_[outcome.model];
  ++model.answered;
  model.cold += cold ? 1 : 0;
  model.latency.Record(outcome.latency);
  Slice& slice = SliceAt(outcome.intended);
  slice.latency.Record(outcome.latency);
  slice.cold += cold ? 1 : 0;
  Keep(cold ? cold_samples_ : warm_samples_, latency.count(),
       {outcome.intended, outcome.latency, outcome.warmth});
}

void Tally::RecordRefused(Duration intended) {
  ++refused_;
  ++SliceAt(intended).refused;
}

}  // namespace sarai::loadgen
