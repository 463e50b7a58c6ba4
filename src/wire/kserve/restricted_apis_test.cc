#include "wire/kserve/restricted_apis.h"

#include <gtest/gtest.h>

namespace sarai::kserve {
namespace {

TEST(RestrictedApis, ARuleRestrictsEachCategoryItNames) {
  const auto apis = RestrictedApis::Parse({"inference,model-repository:key=a=b", "health:k=v"});
  ASSERT_TRUE(apis.has_value()) << apis.error().message();
  ASSERT_NE(apis->Of(ApiCategory::kInference), nullptr);
  EXPECT_EQ(apis->Of(ApiCategory::kInference)->key, "key");
  EXPECT_EQ(apis->Of(ApiCategory::kModelRepository)->value, "a=b");
  EXPECT_EQ(apis->Of(ApiCategory::kHealth)->key, "k");
  EXPECT_EQ(apis->Of(ApiCategory::kMetadata), nullptr);
}

TEST(RestrictedApis, RefusesWhatIsNoRule) {
  for (const char* rule : {"", "inference", "inference:key", "inference:=value", "nothing:k=v",
                           "inference,inference:k=v"})
    EXPECT_FALSE(RestrictedApis::Parse({rule}).has_value()) << rule;
}

}  // namespace
}  // namespace sarai::kserve
