// Which configuration of a model is best, found by measuring: successive halving (Jamieson and
// Talwalkar 2016). Every candidate is measured shortly, the better third longer, and so on; the
// last few in turn several times, so that a moment's noise decides nothing. Pure: says what to
// measure next and is told what came out.
//
// Candidate 0 is the configuration as it is: it is measured to the end, whatever it is worth.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"

namespace sarai::policy {

struct TuningLimits {
  Duration p99_max{0};            // 0 = none
  uint64_t memory_bytes_max = 0;  // 0 = none
};

struct TuningOptions {
  std::vector<int> clients = {1, 2, 4, 8, 16, 32};  // at once, ascending
  TuningLimits limits;
  double growth_min = 1.05;  // of requests per second, or more clients are not tried
  size_t kept_one_of = 3;    // after each round
  size_t finalists = 4;
  int final_rounds = 3;
};

struct TuningTrial {
  size_t candidate = 0;
  int clients = 1;
  int round = 0;  // from 0; each is to be measured twice as long as the one before
  bool operator==(const TuningTrial&) const = default;
};

struct TuningOutcome {
  double requests_per_second = 0;
  Duration p50{0}, p99{0};
  uint64_t memory_bytes = 0;
  std::string failure;  // why it could not be measured; empty = it was
};

struct TuningScore {
  size_t candidate = 0;
  int clients = 1;        // where it is best
  TuningOutcome outcome;  // the medians of its last round
  bool within_limits = false;
  int round = 0;  // that it came to
};

class TuningSearch {
 public:
  // At least one candidate.
  TuningSearch(size_t candidates, TuningOptions options);

  // Nothing: the search is over. The same until Told.
  std::optional<TuningTrial> Next() const;
  void Told(const TuningOutcome& outcome);

  // Best first: those within the limits by requests per second, then the others by p99, then those
  // that could not be measured.
  std::vector<TuningScore> Ranking() const;

  size_t told() const { return told_; }
  size_t trials_max() const;  // told so far, and what there may be still

 private:
  struct Candidate {
    std::vector<std::vector<TuningOutcome>>
        by_clients;   // this round's, by place in options.clients
    size_t best = 0;  // place of the best number of clients
    TuningScore score;
    bool out = false;  // could not be measured
  };

  bool IsWithin(const TuningOutcome& outcome) const;
  bool IsBetter(const TuningOutcome& a, const TuningOutcome& b) const;
  bool IsLastRound() const { return round_ > 0 && alive_.size() <= options_.finalists + 1; }
  int repeats() const { return IsLastRound() ? options_.final_rounds : 1; }
  bool MayClimb(const Candidate& candidate) const;
  size_t KeptOf(size_t alive) const;
  void Settle(size_t candidate);
  void Advance();
  void EndRound();

  const TuningOptions options_;
  std::vector<Candidate> candidates_;
  std::vector<size_t> alive_;  // of this round
  int round_ = 0;
  size_t at_ = 0;       // in alive_
  size_t climbed_ = 0;  // place in options.clients; first round only
  int repeat_ = 0;
  size_t told_ = 0;
  bool over_ = false;
};

}  // namespace sarai::policy
