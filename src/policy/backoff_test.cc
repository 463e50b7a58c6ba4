#include "policy/backoff.h"

#include <gtest/gtest.h>

namespace sarai::policy {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(Backoff, DoublesUpToItsMaximum) {
  BackoffState state;
  const BackoffOptions options{.first = milliseconds(100), .max = milliseconds(500)};
  EXPECT_EQ(NextDelay(state, seconds(0), options), milliseconds(100));
  EXPECT_EQ(NextDelay(state, seconds(0), options), milliseconds(200));
  EXPECT_EQ(NextDelay(state, seconds(0), options), milliseconds(400));
  EXPECT_EQ(NextDelay(state, seconds(0), options), milliseconds(500));
  for (int i = 0; i < 5000; ++i) EXPECT_EQ(NextDelay(state, seconds(0), options), options.max);
}

TEST(Backoff, StartsAfreshAfterAStableRun) {
  BackoffState state;
  const BackoffOptions options;
  for (int i = 0; i < 20; ++i) NextDelay(state, seconds(0), options);
  EXPECT_EQ(NextDelay(state, options.stable_after, options), options.first);
  EXPECT_EQ(NextDelay(state, seconds(1), options), 2 * options.first);
}

TEST(Backoff, FactorBelowOneNeverShortensTheWait) {
  BackoffState state;
  const BackoffOptions options{.factor = 0.1};
  NextDelay(state, seconds(0), options);
  EXPECT_EQ(NextDelay(state, seconds(0), options), options.first);
}

}  // namespace
}  // namespace sarai::policy
