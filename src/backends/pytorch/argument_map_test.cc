#include "backends/pytorch/argument_map.h"

#include <gtest/gtest.h>

namespace sarai::backends::torchscript {
namespace {

using Names = std::vector<std::string>;
using Positions = std::vector<size_t>;

TEST(NameIndex, ReadsTheNumberBehindTheLastSeparator) {
  EXPECT_EQ(NameIndex("INPUT__0"), 0u);
  EXPECT_EQ(NameIndex("my__input__12"), 12u);
  for (const char* name : {"INPUT", "INPUT_0", "INPUT__", "INPUT__x", "INPUT__-1", "__1x",
                           "INPUT__99999999999999999999"})
    EXPECT_EQ(NameIndex(name), std::nullopt) << name;
}

struct Case {
  Names names, arguments;
  Positions expected;
};

TEST(MapInputs, FollowsArgumentNamesThenIndicesThenTheOrder) {
  const Case cases[] = {
      {{"b", "a"}, {"a", "b"}, {1, 0}},
      {{"b"}, {"a", "b"}, {1}},
      {{"INPUT__1", "INPUT__0"}, {"a", "b"}, {1, 0}},
      {{"one", "two"}, {"a", "b"}, {0, 1}},
      {{"a", "two"}, {"b", "a"}, {0, 1}},  // not all are argument names
      {{"x__0"}, {"x__0"}, {0}},
      {{}, {"a"}, {}},
  };
  for (const Case& c : cases) {
    const auto positions = MapInputs(c.names, c.arguments);
    ASSERT_TRUE(positions) << positions.error().ToString();
    EXPECT_EQ(*positions, c.expected);
  }
}

TEST(MapInputs, RefusesWhatForwardDoesNotTake) {
  for (const auto& names :
       {Names{"INPUT__0", "INPUT__2"}, Names{"x", "y", "z"}, Names{"INPUT__0", "OTHER__0"}}) {
    const auto positions = MapInputs(names, {"a", "b"});
    ASSERT_FALSE(positions);
    EXPECT_EQ(positions.error().code(), Code::kInvalidArgument);
  }
}

TEST(MapOutputs, FollowsIndicesThenTheOrder) {
  EXPECT_EQ(*MapOutputs({"OUTPUT__1", "OUTPUT__0"}), (Positions{1, 0}));
  EXPECT_EQ(*MapOutputs({"probabilities", "labels__0"}), (Positions{0, 1}));
  EXPECT_FALSE(MapOutputs({"a__1", "b__1"}));
}

}  // namespace
}  // namespace sarai::backends::torchscript
