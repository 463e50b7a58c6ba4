#include "policy/tuning.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

namespace sarai::policy {
namespace {

using std::chrono::milliseconds;

using Model = std::function<TuningOutcome(const TuningTrial&)>;

struct Found {
  std::vector<TuningTrial> trials;
  std::vector<TuningScore> ranking;
  size_t Count(size_t candidate) const {
    return std::ranges::count(trials, candidate, &TuningTrial::candidate);
  }
};

Found Search(size_t candidates, const TuningOptions& options, const Model& model) {
  TuningSearch search(candidates, options);
  Found run;
  for (size_t most = search.trials_max(); const auto trial = search.Next();) {
    run.trials.push_back(*trial);
    search.Told(model(*trial));
    EXPECT_LE(search.told(), search.trials_max());
    EXPECT_LE(search.trials_max(), most) << "more left than was said before";
    most = search.trials_max();
  }
  EXPECT_EQ(search.trials_max(), run.trials.size());
  run.ranking = search.Ranking();
  EXPECT_EQ(run.ranking.size(), candidates);
  return run;
}

// Twice as many clients bring half as much again, until `width`; then they only wait.
TuningOutcome Answer(double single, int width, int clients) {
  double rate = single;
  for (int n = 2; n <= std::min(clients, width); n *= 2) rate *= 1.5;
  return {.requests_per_second = rate,
          .p50 = milliseconds(static_cast<int64_t>(1000 * clients / rate)),
          .p99 = milliseconds(static_cast<int64_t>(2000 * clients / rate)),
          .memory_bytes = 1000};
}

TEST(TuningSearch, FindsTheQuickestAndMeasuresItLongest) {
  const Found run = Search(30, {}, [](const TuningTrial& trial) {
    return Answer(trial.candidate == 17 ? 120 : 100, 4, trial.clients);
  });
  EXPECT_EQ(run.ranking.front().candidate, 17u);
  EXPECT_EQ(run.ranking.front().clients, 4);
  EXPECT_EQ(run.ranking.front().round, run.trials.back().round);
  EXPECT_GT(run.Count(17), run.Count(29));
}

TEST(TuningSearch, TriesNoMoreClientsOnceTheyBringNothing) {
  const Found run =
      Search(1, {}, [](const TuningTrial& trial) { return Answer(100, 2, trial.clients); });
  std::vector<int> clients;
  for (const TuningTrial& trial : run.trials) clients.push_back(trial.clients);
  EXPECT_THAT(clients, testing::ElementsAre(1, 2, 4));
  EXPECT_EQ(run.ranking.front().clients, 2);
}

TEST(TuningSearch, MeasuresWhatIsThereToTheEndHoweverSlow) {
  const Found run = Search(40, {}, [](const TuningTrial& trial) {
    return Answer(trial.candidate == 0 ? 1 : 100, 1, trial.clients);
  });
  EXPECT_EQ(run.trials.back().round, std::ranges::max(run.trials, {}, &TuningTrial::round).round);
  const auto first = std::ranges::find(run.ranking, 0u, &TuningScore::candidate);
  EXPECT_EQ(first->round, run.trials.back().round);
  EXPECT_EQ(run.Count(0) - 2, static_cast<size_t>(first->round - 1 + TuningOptions().final_rounds));
}

TEST(TuningSearch, KeepsTheLimits) {
  struct Row {
    TuningLimits limits;
    size_t best;
    bool within;
  };
  // The higher its number the quicker a candidate is, and the more memory it takes; the odd ones
  // are late.
  const Model model = [](const TuningTrial& trial) {
    const double n = static_cast<double>(trial.candidate);
    return TuningOutcome{.requests_per_second = 100 + n,
                         .p99 = milliseconds(trial.candidate % 2 == 1 ? 50 : 10),
                         .memory_bytes = 100 * (trial.candidate + 1)};
  };
  for (const Row& row :
       {Row{{}, 9, true}, Row{{.p99_max = milliseconds(20)}, 8, true},
        Row{{.memory_bytes_max = 500}, 4, true}, Row{{milliseconds(20), 400}, 2, true},
        Row{{.p99_max = milliseconds(5)}, 0, false}}) {
    const Found run = Search(10, {.limits = row.limits}, model);
    EXPECT_EQ(run.ranking.front().candidate, row.best);
    EXPECT_EQ(run.ranking.front().within_limits, row.within);
  }
}

TEST(TuningSearch, OneThatCannotBeMeasuredIsLastAndAskedOnce) {
  const Found run = Search(5, {}, [](const TuningTrial& trial) {
    if (trial.candidate == 3) return TuningOutcome{.failure = "no memory"};
    return Answer(100, 1, trial.clients);
  });
  EXPECT_EQ(run.ranking.back().candidate, 3u);
  EXPECT_EQ(run.ranking.back().outcome.failure, "no memory");
  EXPECT_EQ(run.Count(3), 1u);
}

TEST(TuningSearch, EndsWhenNothingCanBeMeasured) {
  const Found run =
      Search(3, {}, [](const TuningTrial&) { return TuningOutcome{.failure = "no"}; });
  EXPECT_EQ(run.trials.size(), 3u);
  EXPECT_FALSE(run.ranking.front().within_limits);
}

TEST(TuningSearch, AMomentsLuckDecidesNothing) {
  int lucky = 0;
  const Found run = Search(4, {}, [&](const TuningTrial& trial) {
    TuningOutcome outcome = Answer(trial.candidate == 1 ? 110 : 100, 1, trial.clients);
    if (trial.round > 0 && trial.candidate == 2 && lucky++ == 0) outcome.requests_per_second *= 9;
    return outcome;
  });
  EXPECT_EQ(lucky, 3);
  EXPECT_EQ(run.ranking.front().candidate, 1u);
}

}  // namespace
}  // namespace sarai::policy
