#include "policy/response_cache.h"

#include <gmock/gmock.h>

namespace sarai::policy {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Optional;

TEST(CacheOrder, WhatWasUsedLongestAgoMakesRoom) {
  CacheOrder cache(30);
  for (const char* key : {"a", "b", "c"}) EXPECT_THAT(cache.Insert(key, 10), Optional(IsEmpty()));
  EXPECT_TRUE(cache.Touch("a"));
  EXPECT_THAT(cache.Insert("d", 15), Optional(ElementsAre("b", "c")));
  EXPECT_EQ(cache.bytes(), 25);
  EXPECT_FALSE(cache.Touch("b"));
  EXPECT_TRUE(cache.Touch("a"));
}

TEST(CacheOrder, AnEntryAsLargeAsTheCacheTakesItAll) {
  CacheOrder cache(30);
  ASSERT_TRUE(cache.Insert("a", 1));
  EXPECT_THAT(cache.Insert("all", 30), Optional(ElementsAre("a")));
  EXPECT_EQ(cache.bytes(), 30);
}

TEST(CacheOrder, ALargerEntryIsRefusedAndEvictsNothing) {
  CacheOrder cache(30);
  ASSERT_TRUE(cache.Insert("a", 10));
  EXPECT_FALSE(cache.Insert("huge", 31));
  EXPECT_TRUE(cache.Touch("a"));
  EXPECT_FALSE(cache.Touch("huge"));
}

TEST(CacheOrder, AnEntryIsInsertedOnce) {
  CacheOrder cache(30);
  ASSERT_TRUE(cache.Insert("a", 10));
  EXPECT_FALSE(cache.Insert("a", 20));
  EXPECT_EQ(cache.bytes(), 10);
}

}  // namespace
}  // namespace sarai::policy
