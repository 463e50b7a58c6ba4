#include <cmath>
#include <cstdint>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "wire/json/json.h"
#include "wire/json/text.h"

namespace sarai::json {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

template <typename T>
std::string Number(T value) {
  std::string out;
  AppendNumber(out, value);
  return out;
}

std::string String(std::string_view text) {
  std::string out;
  AppendString(out, text);
  return out;
}

TEST(JsonText, WritesShortestNumbersThatReadBack) {
  EXPECT_EQ(Number(0.1f), "0.1");
  EXPECT_EQ(Number(1.0f), "1.0");
  EXPECT_EQ(Number(-0.0), "-0.0");
  EXPECT_EQ(Number(1e30), "1e+30");
  EXPECT_EQ(Number(16777216.0f), "16777216.0");
  EXPECT_EQ(Number(1.7e9), "1700000000.0");
  EXPECT_EQ(Number(-1e15), "-1000000000000000.0");
  EXPECT_EQ(Number(1e16), "1e+16");
  EXPECT_EQ(Number(-1.25e-5), "-0.0000125");
  EXPECT_EQ(Number(1e-6f), "1e-06");
  EXPECT_EQ(Number(std::numeric_limits<double>::denorm_min()), "5e-324");
  EXPECT_EQ(Number(std::numeric_limits<int64_t>::min()), "-9223372036854775808");
  EXPECT_EQ(Number(std::numeric_limits<uint64_t>::max()), "18446744073709551615");
  EXPECT_EQ(Number(std::numeric_limits<int8_t>::min()), "-128");
}

TEST(JsonText, SpellsWhatIsNoNumberAsPythonDoes) {
  EXPECT_EQ(Number(std::nanf("")), "NaN");
  EXPECT_EQ(Number(INFINITY), "Infinity");
  EXPECT_EQ(Number(-HUGE_VAL), "-Infinity");
}

TEST(JsonText, EscapesStrings) {
  EXPECT_EQ(String("a\"b\\c\n\t\r"), R"("a\"b\\c\n\t\r")");
  EXPECT_EQ(String(std::string_view("\0\x1f", 2)), R"("\u0000\u001f")");
  EXPECT_EQ(String("é\x7f/"), "\"é\x7f/\"");
}

TEST(JsonText, TellsValidUtf8) {
  for (const char* text : {"", "ascii", "é", "\xE2\x82\xAC", "\xF0\x9F\x98\x80", "\xED\x9F\xBF"})
    EXPECT_TRUE(IsValidUtf8(text)) << text;
  for (const char* text :
       {"\x80", "\xC0\x80", "\xC3", "\xE2\x82", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xFF",
        "a\xC3(", "\xE0\x80\x80", "\xF0\x80\x80\x80"})
    EXPECT_FALSE(IsValidUtf8(text)) << text;
}

TEST(JsonText, ReplacesEachInvalidByte) {
  EXPECT_EQ(ToValidUtf8("ok"), "ok");
  EXPECT_EQ(ToValidUtf8("a\xFF\xC3z\xC3"), "a\uFFFD\uFFFDz\uFFFD");
}

TEST(Json, RefusesBrokenText) {
  for (const char* text : {"{", "[1,", "{\"a\":}", "nul", "{} {}", "\"\\ud800\"", "1e", "\"\xFF\""})
    EXPECT_EQ(Parse(text).error().code(), Code::kInvalidArgument) << text;
  EXPECT_THAT(Parse("[1,x]").error().message(), HasSubstr("byte 3"));
}

TEST(Json, BoundsSizeAndDepth) {
  EXPECT_THAT(Parse("[1,2]", {.max_bytes = 4}).error().message(), HasSubstr("larger than the 4"));
  EXPECT_TRUE(Parse("[[1]]", {.max_depth = 2}));
  EXPECT_THAT(Parse("[[[1]]]", {.max_depth = 2}).error().message(), HasSubstr("deeper than 2"));
  EXPECT_FALSE(Parse(std::string(1 << 20, '[')));
}

TEST(Json, TakesBlankTextForAnEmptyObject) {
  EXPECT_TRUE(ParseObject("")->empty());
  EXPECT_TRUE(ParseObject(" \r\n")->empty());
  EXPECT_FALSE(ParseObject("[]"));
}

TEST(Json, WritesWhatIsTooLargeForANumberSoThatItReadsBack) {
  const auto value = Parse("[1e999,-1e999]");
  ASSERT_TRUE(value);
  EXPECT_EQ(Serialize(*value), "[1e999,-1e999]");
  EXPECT_TRUE(Parse(Serialize(*value)));
}

TEST(Json, ReadsZeroWhateverItsExponent) {
  const auto value = Parse(R"({"a":[0e999,-0.0e400]})");
  ASSERT_TRUE(value);
  for (const Value& number : value->at("a").as_array()) EXPECT_EQ(number.get_double(), 0);
}

TEST(Json, SerializesPlainNumbers) {
  const auto value = Parse(R"({"a":[1,-2,18446744073709551615,1.5,2.0,null,true],"b":{"c":"\n"}})");
  ASSERT_TRUE(value);
  EXPECT_EQ(Serialize(*value),
            R"({"a":[1,-2,18446744073709551615,1.5,2.0,null,true],"b":{"c":"\n"}})");
}

TEST(JsonObjectView, ReadsTypedMembers) {
  const auto object = ParseObject(
      R"({"s":"x","i":-3,"d":1.5,"b":true,"n":null,"l":["p","q"],"m":{"k":"v"},"o":[{"z":1}]})");
  ASSERT_TRUE(object);
  const ObjectView view(*object);
  EXPECT_EQ(view.RequireString("s").value(), "x");
  EXPECT_EQ(view.RequireInt("i").value(), -3);
  EXPECT_EQ(view.RequireDouble("i").value(), -3.0);
  EXPECT_EQ(view.RequireDouble("d").value(), 1.5);
  EXPECT_EQ(view.Bool("b").value(), true);
  EXPECT_FALSE(view.Has("n"));
  EXPECT_EQ(view.String("absent").value(), std::nullopt);
  EXPECT_THAT(view.Strings("l").value(), ElementsAre("p", "q"));
  EXPECT_THAT(view.StringMap("m").value(), ElementsAre(Pair("k", "v")));
  EXPECT_EQ(view.Children("o").value().at(0).RequireInt("z").value(), 1);
  EXPECT_EQ(view.Child("m").value()->RequireString("k").value(), "v");
}

TEST(JsonObjectView, NamesTheMemberByItsPath) {
  const auto object = ParseObject(R"({"Variants":[{},{"Count":"2","Weight":1e400}]})");
  ASSERT_TRUE(object);
  const auto variants = ObjectView(*object).Children("Variants");
  ASSERT_TRUE(variants);
  EXPECT_EQ(variants->at(1).Int("Count").error().message(),
            "'Variants[1].Count' must be an integer of at most 64 bits");
  EXPECT_EQ(variants->at(0).RequireString("Name").error().message(),
            "'Variants[0].Name' is missing");
  EXPECT_FALSE(ObjectView(*object).Strings("Variants"));
  EXPECT_FALSE(ObjectView(*object).Child("Variants"));
}

}  // namespace
}  // namespace sarai::json
