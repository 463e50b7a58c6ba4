// What happened in one measured step, as it is gathered: counts, latencies, a time line, samples.
//
// Its place: the runner tells it of each request's end. One owner, no lock of its own. Invariant:
// its memory is bounded, however long the step lasts.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "loadgen/histogram.h"
#include "loadgen/random.h"

namespace sarai::loadgen {

// What the server, or in its silence the order of requests, says of the model's state.
enum class Warmth { kWarm, kCold };

struct Outcome {
  size_t model = 0;
  Duration intended{0};  // since the step's measured part began
  Duration latency{0};   // open loop: from `intended`; closed loop: from sending
  Warmth warmth = Warmth::kWarm;
  std::string error;   // empty = answered; else its kind: "HTTP 503", "timeout", "connection", …
  std::string detail;  // of an error: what the server said
  uint64_t response_bytes = 0;
};

// A stretch of the step's time.
struct Slice {
  Histogram latency{5};
  uint64_t errors = 0, cold = 0, refused = 0;
};

struct Sample {
  Duration at{0}, latency{0};
  Warmth warmth = Warmth::kWarm;
};

struct ModelTally {
  uint64_t answered = 0, cold = 0, errors = 0;
  Histogram latency{4};
};

struct ErrorTally {
  uint64_t count = 0;
  std::string example;
};

struct TallyOptions {
  Duration slice = std::chrono::milliseconds(50);  // at first; doubled when there are too many
  size_t max_slices = 240;
  size_t max_samples = 3000;  // of warm requests, chosen by chance; as many of cold ones
  size_t max_error_kinds = 64;
  Duration expected_interval{0};  // > 0: also count latencies corrected by it
  uint64_t seed = 1;
};

class Tally {
 public:
  explicit Tally(const TallyOptions& options)
      : options_(options), slice_(options.slice), random_(options.seed) {}

  void Record(const Outcome& outcome);
  // Due, and not sent: too many were under way.
  void RecordRefused(Duration intended);

  const Histogram& warm() const { return warm_; }
  const Histogram& cold() const { return cold_; }
  const Histogram& corrected() const { return corrected_; }
  uint64_t answered() const { return warm_.count() + cold_.count(); }
  uint64_t failed() const { return failed_; }
  uint64_t refused() const { return refused_; }
  uint64_t response_bytes() const { return response_bytes_; }
  const std::map<std::string, ErrorTally>& errors() const { return errors_; }
  const std::map<size_t, ModelTally>& models() const { return models_; }
  Duration slice_length() const { return slice_; }
  const std::vector<Slice>& slices() const { return slices_; }
  const std::vector<Sample>& warm_samples() const { return warm_samples_; }
  const std::vector<Sample>& cold_samples() const { return cold_samples_; }

 private:
  void RecordError(const Outcome& outcome);
  void Keep(std::vector<Sample>& samples, uint64_t seen, const Sample& sample);
  Slice& SliceAt(Duration at);

  TallyOptions options_;
  Duration slice_;
  Random random_;
  Histogram warm_, cold_, corrected_;
  uint64_t failed_ = 0, refused_ = 0, response_bytes_ = 0;
  std::map<std::string, ErrorTally> errors_;
  std::map<size_t, ModelTally> models_;
  std::vector<Slice> slices_;
  std::vector<Sample> warm_samples_, cold_samples_;
};

}  // namespace sarai::loadgen
