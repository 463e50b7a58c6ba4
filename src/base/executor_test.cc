#include "base/executor.h"

#include <gtest/gtest.h>

#include <latch>

namespace sarai {
namespace {

using std::chrono::milliseconds;

TEST(ManualExecutor, RunsInOrderOfTimeThenOfPosting) {
  ManualClock clock;
  ManualExecutor executor(clock);
  std::string order;
  executor.PostAt(clock.Now() + milliseconds(2), [&] { order += 'c'; });
  executor.PostAt(clock.Now() + milliseconds(1), [&] { order += 'b'; });
  executor.Post([&] { order += 'a'; });
  executor.PostAt(clock.Now() + milliseconds(2), [&] { order += 'd'; });
  executor.RunFor(milliseconds(5));
  EXPECT_EQ(order, "abcd");
}

TEST(ThreadPool, RunsEveryTaskOnceAndDelayedOnesLater) {
  ThreadPool pool("test", 3);
  std::latch done(101);
  std::atomic<int> count = 0;
  RealClock clock;
  for (int i = 0; i < 100; ++i)
    pool.Post([&] {
      ++count;
      done.count_down();
    });
  TimePoint ran{};
  const TimePoint due = clock.Now() + milliseconds(5);
  pool.PostAt(due, [&] {
    ran = clock.Now();
    done.count_down();
  });
  done.wait();
  EXPECT_EQ(count, 100);
  EXPECT_GE(ran, due);
}

TEST(ThreadPool, StopDropsWaitingTasksAndLaterPosts) {
  ThreadPool pool("test", 1);
  auto token = std::make_shared<int>(7);
  pool.PostAt(RealClock().Now() + std::chrono::hours(1), [token] {});
  EXPECT_EQ(token.use_count(), 2);
  pool.Stop();
  pool.Post([token] {});
  EXPECT_EQ(token.use_count(), 1);
}

}  // namespace
}  // namespace sarai
