#include "policy/tuning.h"

#include <algorithm>
#include <utility>

namespace sarai::policy {
namespace {

template <typename Value, typename Of>
Value MedianOf(const std::vector<TuningOutcome>& outcomes, Of of) {
  std::vector<Value> values;
  for (const TuningOutcome& outcome : outcomes) values.push_back(of(outcome));
  std::ranges::nth_element(values, values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2));
  return values[values.size() / 2];
}

TuningOutcome MedianOf(const std::vector<TuningOutcome>& outcomes) {
  return {
      .requests_per_second =
          MedianOf<double>(outcomes, [](const auto& o) { return o.requests_per_second; }),
      .p50 = MedianOf<Duration>(outcomes, [](const auto& o) { return o.p50; }),
      .p99 = MedianOf<Duration>(outcomes, [](const auto& o) { return o.p99; }),
      .memory_bytes = MedianOf<uint64_t>(outcomes, [](const auto& o) { return o.memory_bytes; })};
}

}  // namespace

TuningSearch::TuningSearch(size_t candidates, TuningOptions options)
    : options_(std::move(options)), candidates_(candidates) {
  for (size_t i = 0; i < candidates; ++i) {
    candidates_[i].by_clients.resize(options_.clients.size());
    candidates_[i].score = {.candidate = i, .clients = options_.clients.front()};
    alive_.push_back(i);
  }
}

bool TuningSearch::IsWithin(const TuningOutcome& outcome) const {
  const TuningLimits& limits = options_.limits;
  return outcome.failure.empty() && outcome.requests_per_second > 0 &&
         (limits.p99_max <= Duration{0} || outcome.p99 <= limits.p99_max) &&
         (limits.memory_bytes_max == 0 || outcome.memory_bytes <= limits.memory_bytes_max);
}

// Outside of the limits the one that is nearer to being quick enough is better.
bool TuningSearch::IsBetter(const TuningOutcome& a, const TuningOutcome& b) const {
  if (a.failure.empty() != b.failure.empty()) return a.failure.empty();
  if (IsWithin(a) != IsWithin(b)) return IsWithin(a);
  if (IsWithin(a)) return a.requests_per_second > b.requests_per_second;
  return a.p99 < b.p99;
}

std::optional<TuningTrial> TuningSearch::Next() const {
  if (over_) return std::nullopt;
  const Candidate& candidate = candidates_[alive_[at_]];
  const size_t place = round_ == 0 ? climbed_ : candidate.best;
  return TuningTrial{alive_[at_], options_.clients[place], round_};
}

void TuningSearch::Told(const TuningOutcome& outcome) {
  ++told_;
  Candidate& candidate = candidates_[alive_[at_]];
  if (!outcome.failure.empty()) {
    candidate.out = true;
    candidate.score = {.candidate = alive_[at_],
                       .clients = candidate.score.clients,
                       .outcome = outcome,
                       .round = round_};
    Advance();
    return;
  }
  const size_t place = round_ == 0 ? climbed_ : candidate.best;
  candidate.by_clients[place].push_back(outcome);
  Settle(alive_[at_]);
  if (round_ == 0 && MayClimb(candidate)) {
    ++climbed_;
    return;
  }
  Advance();
}

// More clients at once are worth a try while they bring more, and the limit is kept.
bool TuningSearch::MayClimb(const Candidate& candidate) const {
  if (climbed_ + 1 >= options_.clients.size()) return false;
  const TuningOutcome& last = candidate.by_clients[climbed_].back();
  if (!IsWithin(last)) return false;
  if (climbed_ == 0) return true;
  const TuningOutcome& before = candidate.by_clients[climbed_ - 1].back();
  return last.requests_per_second >= before.requests_per_second * options_.growth_min;
}

void TuningSearch::Settle(size_t index) {
  Candidate& candidate = candidates_[index];
  std::optional<TuningOutcome> best;
  for (size_t place = 0; place < candidate.by_clients.size(); ++place) {
    const auto& outcomes = candidate.by_clients[place];
    if (outcomes.empty()) continue;
    const TuningOutcome median = MedianOf(outcomes);
    if (best && !IsBetter(median, *best)) continue;
    best = median;
    candidate.best = place;
  }
  candidate.score = {.candidate = index,
                     .clients = options_.clients[candidate.best],
                     .outcome = *best,
                     .within_limits = IsWithin(*best),
                     .round = round_};
}

void TuningSearch::Advance() {
  climbed_ = 0;
  do {
    if (++at_ < alive_.size()) continue;
    at_ = 0;
    if (++repeat_ >= repeats()) EndRound();
  } while (!over_ && candidates_[alive_[at_]].out);
}

void TuningSearch::EndRound() {
  repeat_ = 0;
  const bool last = IsLastRound();
  std::erase_if(alive_, [&](size_t index) { return candidates_[index].out; });
  if (last || alive_.size() <= 1) {
    over_ = true;
    return;
  }
  std::ranges::stable_sort(alive_, [&](size_t a, size_t b) {
    return IsBetter(candidates_[a].score.outcome, candidates_[b].score.outcome);
  });
  const size_t kept = KeptOf(alive_.size());
  const bool has_first = std::ranges::find(alive_, 0u) != alive_.end();
  alive_.resize(kept);
  if (has_first && std::ranges::find(alive_, 0u) == alive_.end()) alive_.push_back(0);
  ++round_;
  for (const size_t index : alive_)
    for (auto& outcomes : candidates_[index].by_clients) outcomes.clear();
}

std::vector<TuningScore> TuningSearch::Ranking() const {
  std::vector<TuningScore> ranking;
  for (const Candidate& candidate : candidates_) ranking.push_back(candidate.score);
  // Only those of one round were measured alike: who came further is better.
  std::ranges::stable_sort(ranking, [&](const TuningScore& a, const TuningScore& b) {
    const bool a_failed = !a.outcome.failure.empty(), b_failed = !b.outcome.failure.empty();
    if (a_failed != b_failed) return b_failed;
    if (a.within_limits != b.within_limits) return a.within_limits;
    if (a.round != b.round) return a.round > b.round;
    return IsBetter(a.outcome, b.outcome);
  });
  return ranking;
}

size_t TuningSearch::KeptOf(size_t alive) const {
  const size_t share = (alive + options_.kept_one_of - 1) / options_.kept_one_of;
  return std::min(alive, std::max(share, options_.finalists));
}

size_t TuningSearch::trials_max() const {
  if (over_) return told_;
  size_t left = round_ == 0 ? (alive_.size() - at_) * options_.clients.size() - climbed_
                            : alive_.size() * static_cast<size_t>(repeats() - repeat_) - at_;
  if (IsLastRound()) return told_ + left;
  size_t alive = alive_.size();
  do {
    alive = KeptOf(alive);
    const bool last = alive <= options_.finalists;
    left += (alive + 1) * static_cast<size_t>(last ? options_.final_rounds : 1);
  } while (alive > options_.finalists);
  return told_ + left;
}

}  // namespace sarai::policy
