#include "backends/fil/lightgbm_text.h"

#include <gmock/gmock.h>

#include <string>

namespace sarai::backends::fil {
namespace {

using ::testing::HasSubstr;

const std::string kModel =
    "tree\nversion=v4\ntree_sizes=14 14\n\nTree=0\nleaf=1\nTree=1\nleaf=2\nend of trees\n";

TEST(LightgbmTextTest, AWholeModelIsAccepted) {
  EXPECT_TRUE(CheckLightgbmText(kModel).ok()) << CheckLightgbmText(kModel).ToString();
}

TEST(LightgbmTextTest, WhateverIsCutOffIsFound) {
  const size_t end = kModel.find("end of trees") + std::string("end of trees").size();
  for (size_t size = 0; size < end; ++size)
    EXPECT_EQ(CheckLightgbmText(kModel.substr(0, size)).code(), Code::kDataLoss) << size;
}

TEST(LightgbmTextTest, SizesThatLeadElsewhereAreNamed) {
  const std::pair<const char*, const char*> kCases[] = {{"13 14", "where it should be"},
                                                        {"14 9000", "larger"},
                                                        {"14 -1", "larger"},
                                                        {"14 x", "larger"},
                                                        {"0 28", "larger"}};
  for (const auto& [sizes, message] : kCases) {
    std::string model = kModel;
    model.replace(model.find("14 14"), 5, sizes);
    EXPECT_THAT(CheckLightgbmText(model).message(), HasSubstr(message)) << sizes;
  }
}

}  // namespace
}  // namespace sarai::backends::fil
