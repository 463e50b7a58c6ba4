#include "store/parallel_parts.h"

#include <algorithm>
#include <atomic>

#include <gtest/gtest.h>

namespace sarai::store {
namespace {

TEST(ParallelPartsTest, DeliversInOrderHoldingNoMorePartsThanWorkers) {
  std::atomic<int> held = 0;
  std::atomic<int> most = 0;
  std::string text;
  const Status status = DeliverParts(
      100, 4,
      [&](uint64_t index, Cancellation&) -> Result<std::string> {
        const int now = ++held;
        int seen = most;
        while (now > seen && !most.compare_exchange_weak(seen, now)) {
        }
        return std::string(1, static_cast<char>(index));
      },
      [&](const std::string& part) {
        text += part;
        --held;
        return Status();
      });
  EXPECT_TRUE(status.ok()) << status.ToString();
  ASSERT_EQ(text.size(), 100u);
  EXPECT_TRUE(std::ranges::is_sorted(text));
  EXPECT_LE(most, 4);
}

TEST(ParallelPartsTest, TheFirstFailureEndsTheOthersAndIsReturned) {
  std::atomic<int> fetched = 0;
  const Status status = DeliverParts(
      1000, 4,
      [&](uint64_t index, Cancellation& cancellation) -> Result<std::string> {
        ++fetched;
        if (index == 2) return Error(Code::kUnavailable, "part 2");
        // Whoever waits is woken rather than waited for.
        if (index == 3 && !cancellation.Sleep(std::chrono::hours(1))) {
          return Error(Code::kCancelled, "called off");
        }
        return std::string("x");
      },
      [](const std::string&) { return Status(); });
  EXPECT_EQ(status.message(), "part 2");
  EXPECT_LE(fetched, 8);
}

TEST(ParallelPartsTest, AFailureToTakeEndsTheFetching) {
  std::atomic<int> fetched = 0;
  const Status status = DeliverParts(
      1000, 3,
      [&](uint64_t, Cancellation&) -> Result<std::string> {
        ++fetched;
        return std::string("x");
      },
      [](const std::string&) { return Status(Code::kResourceExhausted, "full"); });
  EXPECT_EQ(status.message(), "full");
  EXPECT_LE(fetched, 6);
}

}  // namespace
}  // namespace sarai::store
