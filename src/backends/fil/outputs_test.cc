#include "backends/fil/outputs.h"

#include <gmock/gmock.h>

namespace sarai::backends::fil {
namespace {

using ::testing::ElementsAre;

TEST(OutputsTest, TheClassIsTheFirstOfTheGreatestScores) {
  const std::vector<float> scores = {0.2F, 0.5F, 0.3F, 0.4F, 0.4F, 0.2F, -3, -2, -1};
  EXPECT_THAT(Classes(scores, 3, 0.5F), ElementsAre(1, 0, 2));
}

TEST(OutputsTest, ASingleScoreIsComparedWithTheThreshold) {
  const std::vector<float> scores = {0.2F, 0.3F, 0.31F};
  EXPECT_THAT(Classes(scores, 1, 0.3F), ElementsAre(0, 0, 1));
}

TEST(OutputsTest, BothClassesAddUpToOne) {
  EXPECT_THAT(BothClasses(std::vector<float>{0.25F, 1}), ElementsAre(0.75F, 0.25F, 0, 1));
}

}  // namespace
}  // namespace sarai::backends::fil
