#include "net/grpc/keepalive.h"

#include <gtest/gtest.h>

namespace sarai::net {
namespace {

using namespace std::chrono_literals;
using Action = Keepalive::Action;

class KeepaliveTest : public testing::Test {
 protected:
  GrpcServerOptions options{.keepalive_time = 10s,
                            .keepalive_timeout = 3s,
                            .max_pings_without_data = 2,
                            .min_recv_ping_interval_without_data = 5s,
                            .max_ping_strikes = 2};
  const TimePoint start{1h};
};

TEST_F(KeepaliveTest, PingsAClientThatIsSilentDuringACall) {
  Keepalive keepalive(options, start);
  EXPECT_EQ(keepalive.Check(start + 9s, true), Action::kNone);
  EXPECT_EQ(keepalive.NextCheck(), start + 10s);
  EXPECT_EQ(keepalive.Check(start + 10s, true), Action::kPing);
  EXPECT_EQ(keepalive.Check(start + 12s, true), Action::kNone);
  keepalive.OnReceived(start + 12s);
  keepalive.OnPong();
  EXPECT_EQ(keepalive.Check(start + 21s, true), Action::kNone);
  EXPECT_EQ(keepalive.Check(start + 22s, true), Action::kPing);
}

TEST_F(KeepaliveTest, GivesAClientUpThatDoesNotAnswer) {
  Keepalive keepalive(options, start);
  ASSERT_EQ(keepalive.Check(start + 10s, true), Action::kPing);
  EXPECT_EQ(keepalive.NextCheck(), start + 13s);
  EXPECT_EQ(keepalive.Check(start + 13s, true), Action::kGiveUp);
}

TEST_F(KeepaliveTest, LeavesIdleClientsAloneUnlessPermitted) {
  Keepalive idle(options, start);
  EXPECT_EQ(idle.Check(start + 10s, false), Action::kNone);
  EXPECT_EQ(idle.NextCheck(), start + 20s);
  options.keepalive_permit_without_calls = true;
  EXPECT_EQ(idle.Check(start + 20s, false), Action::kPing);
}

TEST_F(KeepaliveTest, PingsNoMoreThanAllowedWithoutData) {
  Keepalive keepalive(options, start);
  TimePoint now = start;
  const auto next = [&] {
    now += 10s;
    const Action action = keepalive.Check(now, true);
    keepalive.OnPong();
    return action;
  };
  EXPECT_EQ(next(), Action::kPing);
  EXPECT_EQ(next(), Action::kPing);
  EXPECT_EQ(next(), Action::kNone);
  keepalive.OnDataSent();
  EXPECT_EQ(next(), Action::kPing);
}

TEST_F(KeepaliveTest, CountsAClientsPingsThatComeTooEarly) {
  Keepalive keepalive(options, start);
  EXPECT_TRUE(keepalive.OnClientPing(start, true));
  EXPECT_TRUE(keepalive.OnClientPing(start + 6s, true));   // in time
  EXPECT_TRUE(keepalive.OnClientPing(start + 7s, true));   // the first strike
  EXPECT_TRUE(keepalive.OnClientPing(start + 8s, true));   // the second
  EXPECT_FALSE(keepalive.OnClientPing(start + 9s, true));  // one too many
}

TEST_F(KeepaliveTest, ForgivesEarlyPingsWhenDataIsSent) {
  Keepalive keepalive(options, start);
  for (int i = 0; i < 10; ++i) {
    EXPECT_TRUE(keepalive.OnClientPing(start + i * 1s, true)) << i;
    keepalive.OnDataSent();
  }
}

TEST_F(KeepaliveTest, WantsLongPausesFromAClientWithoutCalls) {
  options.max_ping_strikes = 1;
  Keepalive keepalive(options, start);
  EXPECT_TRUE(keepalive.OnClientPing(start, false));
  EXPECT_TRUE(keepalive.OnClientPing(start + 30min, false));
  EXPECT_FALSE(keepalive.OnClientPing(start + 60min, false));
}

TEST_F(KeepaliveTest, ZeroStrikesMeansAnyNumber) {
  options.max_ping_strikes = 0;
  Keepalive keepalive(options, start);
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(keepalive.OnClientPing(start, true));
}

}  // namespace
}  // namespace sarai::net
