#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "wire/http/message.h"
#include "wire/http/router.h"
#include "wire/http/uri.h"

namespace sarai::http {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

TEST(Headers, CompareNamesWithoutCaseAndKeepRepetitions) {
  Headers headers;
  headers.Add("Accept", "a");
  headers.Add("accept", "b");
  headers.Add("X-Other", "");
  EXPECT_EQ(headers.Get("ACCEPT"), "a");
  EXPECT_EQ(headers.fields().size(), 3u);
  EXPECT_TRUE(headers.Has("x-other"));
  EXPECT_FALSE(headers.Has("x-oth"));
}

TEST(Headers, SetReplacesAllOfThatNameInPlace) {
  Headers headers;
  headers.Add("A", "1");
  headers.Add("B", "2");
  headers.Add("a", "3");
  headers.Set("A", "4");
  EXPECT_THAT(headers.fields(), ElementsAre(Pair("A", "4"), Pair("B", "2")));
  headers.Set("C", "5");
  EXPECT_EQ(headers.Get("c"), "5");
  headers.Remove("b");
  EXPECT_FALSE(headers.Has("B"));
}

TEST(Uri, EncodesAllButUnreservedCharacters) {
  EXPECT_EQ(PercentEncode("a b+c/d~-_.\xC3\xA9"), "a%20b%2Bc%2Fd~-_.%C3%A9");
  EXPECT_EQ(PercentEncode("a/b", KeepSlash::kYes), "a/b");
}

TEST(Uri, DecodesWhatItEncodes) {
  std::string all;
  for (int c = 0; c < 256; ++c) all += static_cast<char>(c);
  EXPECT_EQ(PercentDecode(PercentEncode(all)).value(), all);
}

TEST(Uri, RefusesBrokenPercentEncoding) {
  for (const char* text : {"%", "%4", "a%zz", "%4g", "%%41"})
    EXPECT_FALSE(PercentDecode(text).has_value()) << text;
  EXPECT_THAT(PercentDecode("abc%4").error().message(), HasSubstr("offset 3"));
}

TEST(Uri, SplitsBeforeItDecodes) {
  const auto target = ParseTarget("/v2/models/a%2Fb%20c/infer?limit=5&next_page_token=x+y%2B&flag");
  ASSERT_TRUE(target);
  EXPECT_THAT(target->segments, ElementsAre("v2", "models", "a/b c", "infer"));
  EXPECT_THAT(target->query,
              ElementsAre(Pair("limit", "5"), Pair("next_page_token", "x y+"), Pair("flag", "")));
  EXPECT_EQ(target->Query("limit"), "5");
  EXPECT_EQ(target->Query("none").data(), nullptr);
  EXPECT_EQ(target->raw_path, "/v2/models/a%2Fb%20c/infer");
}

TEST(Uri, KeepsEmptySegments) {
  EXPECT_THAT(ParseTarget("/")->segments, IsEmpty());
  EXPECT_THAT(ParseTarget("/a/")->segments, ElementsAre("a", ""));
  EXPECT_THAT(ParseTarget("//a")->segments, ElementsAre("", "a"));
}

TEST(Uri, RefusesHostileTargets) {
  EXPECT_FALSE(ParseTarget(""));
  EXPECT_FALSE(ParseTarget("v2"));
  EXPECT_FALSE(ParseTarget("http://host/"));
  EXPECT_FALSE(ParseTarget("/a%2"));
  EXPECT_FALSE(ParseTarget("/?a=%"));
  EXPECT_FALSE(ParseTarget(std::string(100, '/')));
  EXPECT_FALSE(ParseTarget("/?" + std::string(300, '&')));
}

enum class Call { kList, kLoad, kGet, kStats, kVersionedInfer };

Router<Call> MakeRouter() {
  Router<Call> router;
  router.Add("GET", "/models", Call::kList);
  router.Add("POST", "/models", Call::kLoad);
  router.Add("GET", "/models/stats", Call::kStats);
  router.Add("GET", "/models/{model}", Call::kGet);
  router.Add("POST", "/models/{model}/versions/{version}/infer", Call::kVersionedInfer);
  return router;
}

TEST(Router, FindsByMethodAndPattern) {
  const auto router = MakeRouter();
  const std::vector<std::string> segments = {"models", "a/b", "versions", "3", "infer"};
  const auto match = router.Find("POST", segments);
  ASSERT_NE(match.value, nullptr);
  EXPECT_EQ(*match.value, Call::kVersionedInfer);
  EXPECT_EQ(match.captures.Get("model"), "a/b");
  EXPECT_EQ(match.captures.Get("version"), "3");
  EXPECT_EQ(match.captures.Get("other").data(), nullptr);
}

TEST(Router, PrefersTheRouteAddedFirst) {
  const auto router = MakeRouter();
  const std::vector<std::string> stats = {"models", "stats"};
  const std::vector<std::string> model = {"models", "statsx"};
  EXPECT_EQ(*router.Find("GET", stats).value, Call::kStats);
  EXPECT_EQ(*router.Find("GET", model).value, Call::kGet);
}

TEST(Router, TellsWrongMethodFromUnknownPath) {
  const auto router = MakeRouter();
  const std::vector<std::string> models = {"models"};
  const std::vector<std::string> unknown = {"nodels"};
  const std::vector<std::string> empty_capture = {"models", ""};
  EXPECT_EQ(router.Find("DELETE", models).value, nullptr);
  EXPECT_EQ(router.Find("DELETE", models).allowed, "GET, POST");
  EXPECT_EQ(router.Find("GET", unknown).value, nullptr);
  EXPECT_EQ(router.Find("GET", unknown).allowed, "");
  EXPECT_EQ(router.Find("GET", empty_capture).value, nullptr);
}

}  // namespace
}  // namespace sarai::http
