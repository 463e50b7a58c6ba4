#include "control/handlers/list_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sarai::control {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Listed Line(std::string name, int created, int modified = 0, std::string status = "InService") {
  return {std::move(name), "arn", std::move(status), WallTime(std::chrono::seconds(created)),
          WallTime(std::chrono::seconds(modified == 0 ? created : modified))};
}

std::vector<std::string> Names(const ListPage& page) {
  std::vector<std::string> names;
  for (const Listed& line : page.lines) names.push_back(line.name);
  return names;
}

ListPage Page(std::vector<Listed> all, std::string_view body) {
  const auto object = json::ParseObject(body);
  const auto query = ParseListQuery(json::ObjectView(*object));
  EXPECT_TRUE(query) << query.error().ToString();
  return PageOf(std::move(all), query.value_or(ListQuery()));
}

const std::vector<Listed>& Some() {
  static const std::vector<Listed> lines = {Line("b", 3), Line("C", 1, 9, "Creating"),
                                            Line("a", 2, 5)};
  return lines;
}

TEST(ListPage, TheNewestComesFirstUnlessAskedOtherwise) {
  EXPECT_THAT(Names(Page(Some(), "{}")), ElementsAre("b", "a", "C"));
  EXPECT_THAT(Names(Page(Some(), R"({"SortBy":"Name","SortOrder":"Ascending"})")),
              ElementsAre("a", "b", "C"));
  EXPECT_THAT(Names(Page(Some(), R"({"SortBy":"Status","SortOrder":"Ascending"})")),
              ElementsAre("C", "a", "b"));
}

TEST(ListPage, Filters) {
  EXPECT_THAT(Names(Page(Some(), R"({"NameContains":"c"})")), ElementsAre("C"));
  EXPECT_THAT(Names(Page(Some(), R"({"StatusEquals":"Creating"})")), ElementsAre("C"));
  EXPECT_THAT(Names(Page(Some(), R"({"CreationTimeAfter":1,"CreationTimeBefore":3})")),
              ElementsAre("a"));
  EXPECT_THAT(Names(Page(Some(), R"({"LastModifiedTimeAfter":4.5})")), ElementsAre("a", "C"));
}

TEST(ListPage, PagesGoOnWhereTheLastEndedThoughLinesComeAndGo) {
  std::vector<Listed> lines = Some();
  ListPage page = Page(lines, R"({"SortBy":"Name","SortOrder":"Ascending","MaxResults":2})");
  EXPECT_THAT(Names(page), ElementsAre("a", "b"));
  ASSERT_FALSE(page.next_token.empty());
  lines.erase(lines.begin());  // "b" is deleted
  lines.push_back(Line("aa", 7));
  page = Page(lines, fmt::format(R"({{"SortBy":"Name","SortOrder":"Ascending","NextToken":"{}"}})",
                                 page.next_token));
  EXPECT_THAT(Names(page), ElementsAre("C"));
  EXPECT_EQ(page.next_token, "");
}

TEST(ListPage, PagesBackwardsToo) {
  const ListPage page = Page(Some(), R"({"MaxResults":1})");
  EXPECT_THAT(Names(page), ElementsAre("b"));
  EXPECT_THAT(Names(Page(Some(), fmt::format(R"({{"NextToken":"{}"}})", page.next_token))),
              ElementsAre("a", "C"));
}

TEST(ListPage, RefusesWhatItCanNotRead) {
  for (const char* const body :
       {R"({"NextToken":"xyz"})", R"({"MaxResults":0})", R"({"MaxResults":101})",
        R"({"SortBy":"Colour"})", R"({"SortOrder":"Up"})", R"({"CreationTimeAfter":"now"})"}) {
    const auto object = json::ParseObject(body);
    EXPECT_FALSE(ParseListQuery(json::ObjectView(*object))) << body;
  }
}

}  // namespace
}  // namespace sarai::control
