#include "control/endpoint_plan.h"

#include <gtest/gtest.h>

namespace sarai::control {
namespace {

using std::chrono::seconds;

constexpr TimePoint kNow{seconds{1000}};
constexpr TimePoint kLater{seconds{1060}};

struct Case {
  const char* what;
  EndpointSituation situation;
  EndpointMove move;
};

DeploymentHealth Starting() { return {false, false, kLater}; }
DeploymentHealth Ready() { return {true, false, kLater}; }
DeploymentHealth Late() { return {false, false, kNow}; }
DeploymentHealth Hopeless() { return {false, true, kLater}; }

TEST(StepEndpoint, FollowsTheStatusMachine) {
  using enum EndpointStatus;
  const Case cases[] = {
      {"a new fleet starts", {kCreating, {}, Starting(), true}, EndpointMove::kStay},
      {"a new fleet is up", {kCreating, {}, Ready(), true}, EndpointMove::kPromote},
      {"a new fleet is late", {kCreating, {}, Late(), true}, EndpointMove::kFail},
      {"a new fleet keeps dying", {kCreating, {}, Hopeless(), true}, EndpointMove::kFail},
      {"green starts", {kUpdating, Ready(), Starting(), true}, EndpointMove::kStay},
      {"green is up", {kUpdating, Ready(), Ready(), true}, EndpointMove::kPromote},
      {"green is up, blue is down", {kUpdating, Late(), Ready(), true}, EndpointMove::kPromote},
      {"green is late", {kUpdating, Ready(), Late(), true}, EndpointMove::kRollBack},
      {"green keeps dying", {kUpdating, Ready(), Hopeless(), true}, EndpointMove::kRollBack},
      {"it grows", {kUpdating, Starting(), {}, true}, EndpointMove::kStay},
      {"it has grown", {kUpdating, Ready(), {}, true}, EndpointMove::kSettle},
      {"it grows too slowly", {kUpdating, Late(), {}, true}, EndpointMove::kSettle},
      {"in service", {kInService, Ready(), {}, true}, EndpointMove::kStay},
      {"in service, all dead", {kInService, Late(), {}, false}, EndpointMove::kStay},
      {"failed", {kFailed, {}, Late(), false}, EndpointMove::kStay},
      {"its processes end", {kDeleting, Ready(), {}, true}, EndpointMove::kStay},
      {"its processes are gone", {kDeleting, Ready(), {}, false}, EndpointMove::kRemove},
  };
  for (const Case& c : cases) EXPECT_EQ(StepEndpoint(c.situation, kNow).move, c.move) << c.what;
}

TEST(StepEndpoint, WakesAtTheDeadline) {
  const auto step = StepEndpoint({EndpointStatus::kCreating, {}, Starting(), true}, kNow);
  EXPECT_EQ(step.wake_at.value(), kLater);
}

}  // namespace
}  // namespace sarai::control
