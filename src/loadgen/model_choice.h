// Which model the next request asks for.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"
#include "loadgen/random.h"

namespace sarai::loadgen {

// Indices of models; a value that is used up. Nothing = a list has come to its end.
class ModelChoice {
 public:
  static ModelChoice RoundRobin(size_t models);
  static ModelChoice Uniform(size_t models, uint64_t seed);
  // The k-th model (from 1) with a probability in proportion to 1 / k^exponent.
  static ModelChoice Zipf(size_t models, double exponent, uint64_t seed);
  static ModelChoice Listed(std::vector<uint32_t> order);

  std::optional<size_t> Next();

 private:
  enum class Kind { kRoundRobin, kUniform, kZipf, kListed };
  ModelChoice(Kind kind, size_t models, uint64_t seed)
      : kind_(kind), models_(models), random_(seed) {}

  Kind kind_;
  size_t models_;
  Random random_;
  uint64_t index_ = 0;
  std::vector<double> cumulative_;  // kZipf
  std::vector<uint32_t> order_;     // kListed
};

// "a,b,lora-{0..999}" -> names; a number keeps the width of its lower bound ({000..999}).
Result<std::vector<std::string>> ExpandNames(std::string_view text, size_t max_names = 1'000'000);

}  // namespace sarai::loadgen
