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

// Whether evicting the one rather than the other loses less, or as much for fewer bytes.
bool LosesLess(double loss, Bytes bytes, double other_loss, Bytes other_bytes) {
  const double margin = 1e-9 * std::max(loss, other_loss);  // of rounding
  if (loss < other_loss - margin) return true;
  return loss <= other_loss + margin && bytes < other_bytes;
}

// The one model that is enough by itself and whose loss is least; null when there is none.
const Candidate* BestSingle(std::span<const Candidate> candidates, Bytes missing, int reluctance) {
  const Candidate* best = nullptr;
  for (const Candidate& candidate : candidates) {
    if (candidate.bytes < missing || candidate.reluctance > reluctance) continue;
    if (best == nullptr || LosesLess(Loss(candidate), candidate.bytes, Loss(*best), best->bytes)) {
      best = &candidate;
    }
  }
  return best;
}

// Takes the single model instead if that loses less.
void PreferSingle(std::vector<Candidate>& victims, std::span<const Candidate> candidates,
                  Bytes missing) {
  double loss = 0;
  Bytes bytes = 0;
  int reluctance = 0;
  for (const Candidate& victim : victims) {
    loss += Loss(victim);
    bytes += victim.bytes;
    reluctance = std::max(reluctance, victim.reluctance);
  }
  const Candidate* single = BestSingle(candidates, missing, reluctance);
  if (single == nullptr || !LosesLess(Loss(*single), single->bytes, loss, bytes)) return;
  victims = {*single};
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
  PreferSingle(victims, candidates, missing);
  return victims;
}

}  // namespace sarai::policy::residency
