#include "control/handlers/member_rules.h"

#include <array>

#include <gtest/gtest.h>

namespace sarai::control {
namespace {

constexpr auto kColours = std::to_array<std::string_view>({"Red", "Blue"});
constexpr auto kRules = std::to_array<MemberRule>({
    {"Name", Need::kRequired, NameRule()},
    {"Colour", Need::kOptional, OneOfRule(kColours)},
    {"Count", Need::kOptional, NumberRule(1, 10)},
    {"Inner.Text", Need::kRequired, TextRule(1, 3)},
    {"Items", Need::kOptional, ListRule(1, 2)},
    {"Items[].Name", Need::kRequired, NameRule()},
    {"Words[]", Need::kOptional, TextRule(0, 2)},
});

std::string Fault(std::string_view body) {
  return CheckMembers(*json::ParseObject(body), kRules).message();
}

TEST(CheckMembers, TakesWhatFollowsTheRules) {
  EXPECT_EQ(Fault(R"({"Name":"a-1","Colour":"Red","Count":10,"Inner":{"Text":"x"},
                      "Items":[{"Name":"b"}],"Words":["","xy"],"Unknown":{"Name":7}})"),
            "");
  EXPECT_EQ(Fault(R"({"Name":"a","Colour":null})"), "") << "null is absent";
}

TEST(CheckMembers, SaysWhatIsWrongInTheServicesWords) {
  EXPECT_EQ(Fault("{}"),
            "1 validation error detected: Value null at 'name' failed to satisfy constraint: "
            "Member must not be null");
  EXPECT_EQ(Fault(R"({"Name":"a_b"})"),
            "1 validation error detected: Value 'a_b' at 'name' failed to satisfy constraint: "
            "Member must satisfy regular expression pattern: [a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}");
  EXPECT_EQ(Fault(R"({"Name":"a","Colour":"Green"})"),
            "1 validation error detected: Value 'Green' at 'colour' failed to satisfy constraint: "
            "Member must satisfy enum value set: [Red, Blue]");
  EXPECT_EQ(Fault(R"({"Name":"a","Count":11})"),
            "1 validation error detected: Value '11' at 'count' failed to satisfy constraint: "
            "Member must have value less than or equal to 10");
  EXPECT_EQ(Fault(R"({"Name":"a","Items":[]})"),
            "1 validation error detected: Value '[]' at 'items' failed to satisfy constraint: "
            "Member must have length greater than or equal to 1");
}

TEST(CheckMembers, NamesEachWrongMemberByItsPath) {
  EXPECT_EQ(Fault(R"({"Name":"a","Items":[{"Name":"b"},{}],"Inner":{"Text":"long"}})"),
            "2 validation errors detected: Value 'long' at 'inner.text' failed to satisfy "
            "constraint: Member must have length less than or equal to 3; Value null at "
            "'items.2.member.name' failed to satisfy constraint: Member must not be null");
}

TEST(CheckMembers, TakesNoWrongTypes) {
  for (const char* const body :
       {R"({"Name":7})", R"({"Name":"a","Count":"1"})", R"({"Name":"a","Items":{}})",
        R"({"Name":"a","Items":[7]})", R"({"Name":"a","Inner":[]})", R"({"Name":"a","Words":[7]})"})
    EXPECT_NE(Fault(body), "") << body;
}

TEST(CheckMembers, ShortensLongValues) {
  EXPECT_LT(Fault(R"({"Name":")" + std::string(100'000, 'x') + R"("})").size(), 1000u);
}

TEST(Patterns, MatchWhatAwsMatches) {
  EXPECT_TRUE(IsResourceName("a"));
  EXPECT_TRUE(IsResourceName("a--B9"));
  for (const char* const name : {"", "-a", "a-", "a b", "ä", "a/b"})
    EXPECT_FALSE(IsResourceName(name)) << name;
  EXPECT_TRUE(IsRoleArn("arn:aws:iam::123456789012:role/Some.Role"));
  EXPECT_TRUE(IsRoleArn("arn:aws-cn:iam::123456789012:role/path/x"));
  for (const char* const arn :
       {"arn:aws:iam::12345678901:role/x", "arn:aws:s3::123456789012:role/x",
        "arn:aws:iam::123456789012:role", "arn:aws:iam::123456789012:role/a b", "role"})
    EXPECT_FALSE(IsRoleArn(arn)) << arn;
  EXPECT_TRUE(IsSageMakerArn("arn:aws:sagemaker:us-east-1:123456789012:endpoint/demo"));
  EXPECT_FALSE(IsSageMakerArn("arn:aws:sagemaker:us-east-1:123456789012:"));
  EXPECT_FALSE(IsSageMakerArn("arn:aws:s3:us-east-1:123456789012:x"));
}

}  // namespace
}  // namespace sarai::control
