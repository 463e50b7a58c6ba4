#include "base/cancellation.h"

#include <gtest/gtest.h>

#include <thread>

namespace sarai {
namespace {

TEST(Cancellation, RunsEachCallbackOnce) {
  Cancellation cancellation;
  int first = 0, second = 0;
  cancellation.OnCancel([&] { ++first; });
  cancellation.OnCancel([&] { ++second; });
  EXPECT_FALSE(cancellation.cancelled());
  cancellation.Cancel();
  cancellation.Cancel();
  EXPECT_TRUE(cancellation.cancelled());
  EXPECT_EQ(first, 1);
  EXPECT_EQ(second, 1);
}

TEST(Cancellation, RunsNoCallbackThatWasRemoved) {
  Cancellation cancellation;
  int ran = 0;
  const uint64_t id = cancellation.OnCancel([&] { ++ran; });
  cancellation.Remove(id);
  cancellation.Cancel();
  EXPECT_EQ(ran, 0);
}

TEST(Cancellation, ForgetsWithoutWaitingForTheCallbackThatRuns) {
  Cancellation cancellation;
  int ran = 0;
  const uint64_t forgotten = cancellation.OnCancel([&] { ++ran; });
  cancellation.Forget(forgotten);
  uint64_t own = 0;
  own = cancellation.OnCancel([&] {
    std::thread([&] { cancellation.Forget(own); }).join();  // would never end if it waited
    ++ran;
  });
  cancellation.Cancel();
  EXPECT_EQ(ran, 1);
}

TEST(Cancellation, RunsALateCallbackAtOnce) {
  Cancellation cancellation;
  cancellation.Cancel();
  int ran = 0;
  EXPECT_EQ(cancellation.OnCancel([&] { ++ran; }), 0u);
  EXPECT_EQ(ran, 1);
}

TEST(Cancellation, ACallbackMayRemoveItselfAndOthers) {
  Cancellation cancellation;
  uint64_t own = 0, other = 0;
  int ran = 0;
  own = cancellation.OnCancel([&] {
    ++ran;
    cancellation.Remove(own);
    cancellation.Remove(other);
  });
  other = cancellation.OnCancel([&] { ++ran; });
  cancellation.Cancel();
  EXPECT_EQ(ran, 1);
}

}  // namespace
}  // namespace sarai
