// Whom to evict. Pure: candidates and the missing bytes in, a sufficient set of least worth out.
#pragma once

#include <span>
#include <vector>

#include "policy/residency/model.h"

namespace sarai::policy::residency {

struct Candidate {
  Model* model = nullptr;
  Bytes bytes = 0;     // that its eviction gives
  double worth = 0;    // per GiB; see worth.h
  int reluctance = 0;  // all of a lower one go before any of a higher one
};

// The candidates of least worth that together give at least `missing` bytes, without any that could
// be spared; a single model takes their place where evicting it loses less (its worth × bytes).
// Empty when all of them together are too few, unless `as_far_as_possible`: then all.
std::vector<Candidate> ChooseVictims(std::vector<Candidate> candidates, Bytes missing,
                                     bool as_far_as_possible = false);

}  // namespace sarai::policy::residency
