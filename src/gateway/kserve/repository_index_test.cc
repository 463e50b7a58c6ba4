#include "gateway/kserve/repository_index.h"

#include <gtest/gtest.h>

namespace sarai::gateway {
namespace {

http::Response Index(const char* json) { return {.body = {Blob::FromString(json)}}; }

std::string TextOf(const std::vector<kserve::IndexEntry>& entries) {
  std::string text;
  for (const auto& [name, version, state, reason] : entries)
    text += name + ":" + version + ":" + state + ":" + reason + " ";
  return text;
}

TEST(MergeIndexes, GivesEachVersionOnceInItsBestState) {
  const auto merged = MergeIndexes({
      Index(R"([{"name":"b","version":"1","state":"UNAVAILABLE","reason":"unloaded"},
                {"name":"a","version":"2","state":"LOADING"},{"name":"c"}])"),
      Index(R"([{"name":"b","version":"1","state":"READY"},{"name":"a"},
                {"name":"a","version":"1","state":"READY"}])"),
      Index("no json"),
      Index(R"({"name":"x"})"),
      Index(R"([1,{"state":"READY"}])"),
  });
  EXPECT_EQ(TextOf(merged), "a:1:READY: a:2:LOADING: b:1:READY: c::: ");
}

TEST(PageOf, CutsBetweenNames) {
  const std::vector<kserve::IndexEntry> all = {
      {.name = "a", .version = "1"}, {.name = "a", .version = "2"}, {.name = "b"}, {.name = "c"}};
  IndexPage page = PageOf(all, "", 1);
  EXPECT_EQ(page.entries.size(), 2u);
  EXPECT_EQ(page.next, "a");
  page = PageOf(all, page.next, 1);
  EXPECT_EQ(page.entries.front().name, "b");
  EXPECT_EQ(page.next, "b");
  page = PageOf(all, page.next, 10);
  EXPECT_EQ(page.entries.size(), 1u);
  EXPECT_EQ(page.next, "");
  EXPECT_TRUE(PageOf(all, "z", 10).entries.empty());
}

}  // namespace
}  // namespace sarai::gateway
