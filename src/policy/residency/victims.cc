#include "policy/residency/victims.h"

#include <algorithm>
#include <tuple>

namespace sarai::policy::residency {
namespace {

double Loss(const Candidate& candidate) {
  return candidate.worth * static_cast<double>(candidate.bytes);
}

bool GoesBefore(const Candidate& a, const Candidate& b) {
  return std::tuple(a.reluctance, a.worth, a.model->last_used, a.model->serial) <
         std::tuple(b.reluctance, b.worth, b.model->last_used, b.model->serial);
}

// Puts back whoever is not needed, the most valuable first.
void SpareSuperfluous(std::vector<Candidate>& victims, Bytes spare) {
  for (size_t i = victims.size(); i-- > 0;) {
    if (victims[i].bytes > spare) continue;
    spare -= victims[i].bytes;
    victims.erase(victims.begin() + static_cast<std::ptrdiff_t>(i));
  }
}

// The one model that is enough by itself and whose loss is least; null when there is none.
const Candidate* BestSingle(std::span<const Candidate> candidates, Bytes missing, int reluctance) {
  const Candidate* best = nullptr;
  for (const Candidate& candidate : candidates) {
    if (candidate.bytes < missing || candidate.reluctance > reluctance) continue;
    if (best == nullptr || Loss(candidate) < Loss(*best)) best = &candidate;
  }
  return best;
}

}  // namespace

std::vector<Candidate> ChooseVictims(std::vector<Candidate> candidates, Bytes missing,
                                     bool as_far_as_possible) {
  std::erase_if(candidates, [](const Candidate& candidate) { return candidate.bytes <= 0; });
  std::ranges::sort(candidates, GoesBefore);
  std::vector<Candidate> victims;
  Bytes sum = 0;
  for (const Candidate& candidate : candidates) {
    if (sum >= missing) break;
    victims.push_back(candidate);
    sum += candidate.bytes;
  }
  if (sum < missing) return as_far_as_possible ? victims : std::vector<Candidate>{};
  SpareSuperfluous(victims, sum - missing);
  if (victims.size() < 2) return victims;
  double loss = 0;
  int reluctance = 0;
  for (const Candidate& victim : victims) {
    loss += Loss(victim);
    reluctance = std::max(reluctance, victim.reluctance);
  }
  const Candidate* single = BestSingle(candidates, missing, reluctance);
  if (single != nullptr && Loss(*single) <= loss) return {*single};
  return victims;
}

}  // namespace sarai::policy::residency
