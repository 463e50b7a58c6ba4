#include "instance/residency_feed.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sarai::instance {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;

class ResidencyFeedTest : public testing::Test {
 protected:
  void Watch(uint64_t since, milliseconds wait) {
    feed.Watch(since, wait, [this](ResidencySnapshotPtr snapshot) {
      seen.push_back(snapshot->version);
      models = snapshot->models.size();
    });
  }

  ManualClock clock;
  ManualExecutor strand{clock};
  size_t known = 0;
  ResidencyFeed feed{{.interval = milliseconds(50), .max_watchers = 2}, strand, clock, [this] {
                       return std::vector<ModelResidency>(known);
                     }};
  std::vector<uint64_t> seen;
  size_t models = 0;
};

TEST_F(ResidencyFeedTest, AnswersAtOnceWhoKnowsAnotherVersion) {
  Watch(0, milliseconds(1000));
  Watch(77, milliseconds(1000));
  EXPECT_THAT(seen, ElementsAre(1, 1));
}

TEST_F(ResidencyFeedTest, TellsAChangeToWhoWaits) {
  Watch(1, milliseconds(1000));
  EXPECT_TRUE(seen.empty());
  known = 3;
  feed.Touch();
  strand.RunDue();
  EXPECT_THAT(seen, ElementsAre(2));
  EXPECT_EQ(models, 3u);
}

TEST_F(ResidencyFeedTest, PutsChangesTogetherThatComeCloseTogether) {
  feed.Touch();
  strand.RunDue();
  Watch(2, milliseconds(1000));
  for (int i = 0; i < 10; ++i) feed.Touch();
  strand.RunFor(milliseconds(49));
  EXPECT_TRUE(seen.empty());
  strand.RunFor(milliseconds(1));
  EXPECT_THAT(seen, ElementsAre(3));
}

TEST_F(ResidencyFeedTest, EndsAWaitThatSawNoChange) {
  Watch(1, milliseconds(200));
  strand.RunFor(milliseconds(199));
  EXPECT_TRUE(seen.empty());
  strand.RunFor(milliseconds(1));
  EXPECT_THAT(seen, ElementsAre(1));
  feed.Touch();
  strand.RunDue();
  EXPECT_EQ(seen.size(), 1u);  // answered once
}

TEST_F(ResidencyFeedTest, AnswersAtOnceWhereTooManyWatch) {
  for (int i = 0; i < 3; ++i) Watch(1, milliseconds(1000));
  EXPECT_THAT(seen, ElementsAre(1));
}

TEST_F(ResidencyFeedTest, LetsNobodyWaitOnceStopped) {
  Watch(1, milliseconds(1000));
  feed.Stop();
  Watch(1, milliseconds(1000));
  EXPECT_THAT(seen, ElementsAre(1, 1));
}

}  // namespace
}  // namespace sarai::instance
