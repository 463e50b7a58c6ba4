// The instance behind real sockets.
#include "instance/instance.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "instance/testing/test_instance.h"
#include "net/event_loops.h"
#include "net/transport.h"

namespace sarai::instance {
namespace {

using testing::HasSubstr;

class InstanceTest : public testing::Test {
 protected:
  InstanceTest() {
    at.options.source_url.clear();
    at.PutRepositoryModel("alpha", 1);
    auto started = Instance::Start(at.options, at.clock);
    EXPECT_TRUE(started) << started.error().message();
    instance = std::move(*started);
  }

  std::string Get(const std::string& address, const std::string& target, int expected = 200) {
    auto reply = net::SendAndWait(*transport, address, {.method = "GET", .target = target}, {});
    EXPECT_TRUE(reply) << reply.error().status.message();
    EXPECT_EQ(reply->status, expected) << target;
    std::string body;
    for (const Blob& part : reply->body) body += part.text();
    return body;
  }

  TestInstance at;
  net::EventLoops loops{1};
  std::unique_ptr<net::Transport> transport = net::MakeHttpTransport(loops);
  std::unique_ptr<Instance> instance;
};

TEST_F(InstanceTest, AnswersOnItsPorts) {
  Get(instance->http_address(), "/ping");
  Get(instance->http_address(), "/v2/health/ready");
  EXPECT_THAT(Get(instance->http_address(), "/v2/models/alpha"), HasSubstr("\"alpha\""));
  EXPECT_NE(instance->metrics_address(), instance->http_address());
  for (const std::string& address : {instance->metrics_address(), instance->http_address()})
    EXPECT_THAT(Get(address, "/metrics"), HasSubstr("# TYPE sarai_evictions_total counter"));
  Get(instance->metrics_address(), "/ping", 404);
}

TEST_F(InstanceTest, StopsAnsweringOnceItIsDrained) {
  const std::string address = instance->http_address();
  Get(address, "/ping");
  instance->Drain();
  EXPECT_FALSE(net::SendAndWait(*transport, address, {.method = "GET", .target = "/ping"}, {}));
  instance->Drain();
}

TEST(InstanceStart, SaysWhichOptionIsWrong) {
  const RealClock clock;
  const auto why = [&](InstanceOptions options) {
    const auto started = Instance::Start(std::move(options), clock);
    return started ? "started" : started.error().message();
  };
  EXPECT_THAT(why({.model_repositories = {"/none/such"}}), HasSubstr("/none/such"));
  EXPECT_THAT(why({.source_url = "ftp://x/"}), HasSubstr("ftp"));
  EXPECT_THAT(why({.source_url = "s3://bucket/p/"}), HasSubstr("state directory"));
  EXPECT_THAT(why({.single_model = true}), HasSubstr("source URL"));
}

}  // namespace
}  // namespace sarai::instance
