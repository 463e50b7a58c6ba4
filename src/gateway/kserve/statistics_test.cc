#include "gateway/kserve/statistics.h"

#include <gtest/gtest.h>

namespace sarai::gateway {
namespace {

using kserve::ModelStatistics;

http::Response Told(const std::vector<ModelStatistics>& models) {
  return {.body = {Blob::FromString(kserve::EncodeStatistics(models))}};
}

ModelStatistics Some(const std::string& name, uint64_t count) {
  return {.name = name,
          .version = "1",
          .last_inference_ms = 1000 - count,
          .inference_count = count,
          .execution_count = count,
          .success = {count, 10 * count},
          .cache_miss = {count, count},
          .batches = {{.batch_size = count, .compute_infer = {1, 2}},
                      {.batch_size = 8, .compute_infer = {3, 4}}},
          .responses = {count, {.success = {1, 1}}},
          .memory = {{"CPU", 0, 100}}};
}

TEST(SumStatistics, TellsEachModelAndVersionOnce) {
  ModelStatistics newer = Some("m", 4);
  newer.version = "2";
  const auto all = SumStatistics({Told({Some("m", 1), Some("a", 1)}),
                                  Told({Some("m", 2), newer}),
                                  {.body = {Blob::FromString("no json")}}});
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[0].name + all[1].name + all[2].name, "amm");
  EXPECT_EQ(all[2].version, "2");
  ModelStatistics sum = Some("m", 3);
  sum.last_inference_ms = 999;
  sum.batches = {{.batch_size = 1, .compute_infer = {1, 2}},
                 {.batch_size = 2, .compute_infer = {1, 2}},
                 {.batch_size = 8, .compute_infer = {6, 8}}};
  sum.responses = {{.success = {2, 2}}, {.success = {1, 1}}};
  sum.memory = {{"CPU", 0, 200}};
  EXPECT_EQ(kserve::EncodeStatistics({all[1]}), kserve::EncodeStatistics({sum}));
}

TEST(StatisticsQuestion, NamesTheModelAsOneSegment) {
  EXPECT_EQ(StatisticsQuestion("", "").target, "/v2/models/stats");
  EXPECT_EQ(StatisticsQuestion("a/b.tar.gz", "").target, "/v2/models/a%2Fb.tar.gz/stats");
  EXPECT_EQ(StatisticsQuestion("m", "2").target, "/v2/models/m/versions/2/stats");
}

}  // namespace
}  // namespace sarai::gateway
