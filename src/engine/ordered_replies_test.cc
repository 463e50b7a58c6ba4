#include "engine/ordered_replies.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace sarai::engine {
namespace {

TEST(OrderedReplies, WaitForTheEarlierOnes) {
  OrderedReplies replies;
  std::vector<int> order;
  const auto reply = [&](int number) { return [&order, number] { order.push_back(number); }; };
  replies.Deliver(2, reply(2));
  replies.Deliver(1, reply(1));
  EXPECT_THAT(order, testing::IsEmpty());
  replies.Deliver(0, reply(0));
  replies.Deliver(3, reply(3));
  EXPECT_THAT(order, testing::ElementsAre(0, 1, 2, 3));
}

TEST(OrderedReplies, MayBeDeliveredFromWithinAReply) {
  OrderedReplies replies;
  std::vector<int> order;
  replies.Deliver(0, [&] {
    replies.Deliver(1, [&] { order.push_back(1); });
    order.push_back(0);
  });
  EXPECT_THAT(order, testing::ElementsAre(0, 1));
}

}  // namespace
}  // namespace sarai::engine
