#include "base/strings.h"

#include <gtest/gtest.h>

#include "base/hex.h"
#include "base/status.h"

namespace sarai {
namespace {

TEST(Strings, SplitKeepsEmptyParts) {
  EXPECT_EQ(Split("a,,b,", ','), (std::vector<std::string_view>{"a", "", "b", ""}));
  EXPECT_EQ(Split("", ','), (std::vector<std::string_view>{""}));
}

TEST(Strings, ParseIntWantsTheWholeText) {
  EXPECT_EQ(ParseInt("-12"), -12);
  EXPECT_EQ(ParseInt("12x"), std::nullopt);
  EXPECT_EQ(ParseInt(""), std::nullopt);
  EXPECT_EQ(ParseInt("99999999999999999999"), std::nullopt);
}

TEST(Hex, RoundTripsAndRefusesOddOrForeignDigits) {
  const auto bytes = HexDecode("00ffA5");
  ASSERT_TRUE(bytes);
  EXPECT_EQ(HexEncode(*bytes), "00ffa5");
  EXPECT_FALSE(HexDecode("abc"));
  EXPECT_FALSE(HexDecode("zz"));
}

Result<int> Half(int n) {
  if (n % 2 != 0) return Error(Code::kInvalidArgument, "{} is odd", n);
  return n / 2;
}
Result<int> Quarter(int n) {
  SARAI_TRY(const int half, Half(n));
  return Half(half);
}
Status CheckQuarter(int n) {
  const auto result = Quarter(n);
  return result ? Status() : result.error().WithContext("quarter");
}
Result<int> Eighth(int n) {
  SARAI_CHECK_OK(CheckQuarter(n));
  return n / 8;
}

TEST(Status, PropagatesThroughBothMacros) {
  EXPECT_EQ(Quarter(8).value(), 2);
  EXPECT_EQ(Eighth(8).value(), 1);
  const auto failed = Eighth(6);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().ToString(), "invalid_argument: quarter: 3 is odd");
}

}  // namespace
}  // namespace sarai
