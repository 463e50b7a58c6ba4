#include "base/bytes.h"

#include <gtest/gtest.h>

namespace sarai {
namespace {

TEST(ParseBytes, ReadsBinaryAndDecimalUnitsInAnyCase) {
  EXPECT_EQ(ParseBytes("512").value(), 512u);
  EXPECT_EQ(ParseBytes("64KiB").value(), 64 * kKiB);
  EXPECT_EQ(ParseBytes(" 1.5 GiB ").value(), kGiB + kGiB / 2);
  EXPECT_EQ(ParseBytes("20GB").value(), 20'000'000'000u);
  EXPECT_EQ(ParseBytes("2g").value(), 2 * kGiB);
  EXPECT_EQ(ParseBytes("3TiB").value(), 3 * 1024 * kGiB);
}

TEST(ParseBytes, RefusesWhatIsNoByteCountAndSaysWhat) {
  for (const char* bad : {"", "GiB", "-1", "1 parsec", "1e300GiB", "nan", "12 34"}) {
    const auto result = ParseBytes(bad);
    ASSERT_FALSE(result) << bad;
    EXPECT_EQ(result.error().code(), Code::kInvalidArgument);
  }
}

TEST(FormatBytes, KeepsThreeDigits) {
  EXPECT_EQ(FormatBytes(0), "0 B");
  EXPECT_EQ(FormatBytes(1536), "1.5 KiB");
  EXPECT_EQ(FormatBytes(380 * kMiB), "380 MiB");
  EXPECT_EQ(FormatBytes(2 * kGiB), "2.0 GiB");
}

}  // namespace
}  // namespace sarai
