#include "backends/fil/ubjson.h"

#include <gmock/gmock.h>

#include <string>
#include <vector>

namespace sarai::backends::fil {
namespace {

using namespace std::string_literals;  // NOLINT(google-build-using-namespace)

// {"a": [1.0f, 2.0f] counted and typed, "b": {"c": "x"}, "d": [true, 7]}
const std::string kValue =
    "{L\0\0\0\0\0\0\0\x01"
    "a[$d#i\x02\x3f\x80\0\0\x40\0\0\0"
    "i\x01"
    "b{i\x01"
    "cSi\x01"
    "x}i\x01"
    "d[TU\x07]}"s;

TEST(UbjsonTest, AWholeValueIsAccepted) {
  EXPECT_TRUE(CheckUbjson(kValue).ok()) << CheckUbjson(kValue).ToString();
  EXPECT_TRUE(CheckUbjson("{}").ok());
}

TEST(UbjsonTest, WhateverIsCutOffIsFound) {
  for (size_t size = 0; size < kValue.size(); ++size)
    EXPECT_EQ(CheckUbjson(kValue.substr(0, size)).code(), Code::kDataLoss) << size;
}

TEST(UbjsonTest, SizesBeyondTheEndAndDepthsWithoutEndAreRefused) {
  const std::vector<std::string> kCases = {"[$L#L\x7f\xff\xff\xff\xff\xff\xff\xff"s,
                                           "[#i\x02U\x01"s,
                                           "{i\xff"s,
                                           "Si\x80"s,
                                           "[$d]"s,
                                           "[$T#L\x7f\xff\xff\xff\xff\xff\xff\xff"s,
                                           "?"s,
                                           std::string(1 << 20, '[')};
  for (const std::string& bytes : kCases)
    EXPECT_EQ(CheckUbjson(bytes).code(), Code::kDataLoss) << bytes.substr(0, 20);
}

}  // namespace
}  // namespace sarai::backends::fil
