// Server and channels against each other, on loopback.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <future>
#include <mutex>
#include <thread>
#include <vector>

#include "net/grpc/channel.h"
#include "net/grpc/server.h"
#include "net/testing/certificates.h"

namespace sarai::net {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr int kCancelled = 1, kDeadlineExceeded = 4, kResourceExhausted = 8, kInternal = 13,
              kUnavailable = 14;

GrpcMessage Message(std::string text) { return {Blob::FromString(std::move(text))}; }

// What came of one call. Waits end after some seconds, far beyond what a working peer takes.
class Outcome {
 public:
  GrpcCallEvents Events() const {
    return {.on_message = [state = state_](Blob message) { state->Add(message.text()); },
            .on_done =
                [state = state_](GrpcStatus status, GrpcMetadata trailing) {
                  state->End(std::move(status), std::move(trailing));
                }};
  }
  GrpcStatus Status() const {
    std::unique_lock lock(state_->mu);
    state_->changed.wait_for(lock, 30s, [this] { return state_->status.has_value(); });
    return state_->status.value_or(GrpcStatus{.code = -1, .message = "no end"});
  }
  std::vector<std::string> Messages(size_t count) const {
    std::unique_lock lock(state_->mu);
    state_->changed.wait_for(lock, 30s, [&] { return state_->messages.size() >= count; });
    return state_->messages;
  }
  std::string Trailing(std::string_view name) const {
    const std::lock_guard lock(state_->mu);
    return std::string(state_->trailing.Get(name));
  }

 private:
  // Shared with the call, which may end after the test.
  struct State {
    void Add(std::string_view message) {
      const std::lock_guard lock(mu);
      messages.emplace_back(message);
      changed.notify_all();
    }
    void End(GrpcStatus with, GrpcMetadata metadata) {
      const std::lock_guard lock(mu);
      status = std::move(with);
      trailing = std::move(metadata);
      changed.notify_all();
    }
    std::mutex mu;
    std::condition_variable changed;
    std::vector<std::string> messages;
    std::optional<GrpcStatus> status;
    GrpcMetadata trailing;
  };
  const std::shared_ptr<State> state_ = std::make_shared<State>();
};

class GrpcTest : public testing::Test {
 protected:
  // "/echo" answers each message with itself until the client sends no more; "/held" waits for the
  // test; "/dropped" forgets the call.
  void Start(GrpcServerOptions options = {}) {
    auto server =
        GrpcServer::Listen(std::move(options), [this](GrpcCallPtr call) { Handle(call); });
    ASSERT_TRUE(server) << server.error().message();
    server_ = std::move(*server);
  }
  void TearDown() override {
    held_ = nullptr;
    channels_.reset();
    server_.reset();
  }

  void Handle(const GrpcCallPtr& call) {
    if (call->method() == "/held") return held_call_.set_value(call);
    if (call->method() == "/dropped") return;
    if (call->method() == "/unary") return Answer(call);
    Echo(call);
  }
  static void Answer(const GrpcCallPtr& call) {
    call->Read([call](std::optional<Blob> message) {
      GrpcMetadata trailing;
      trailing.Add("x-name", std::string(call->metadata().Get("x-name")));
      call->FinishWith({Blob::FromString("got "), message.value_or(Blob())}, std::move(trailing));
    });
  }
  static void Echo(const GrpcCallPtr& call) {
    call->Read([call](std::optional<Blob> message) {
      if (!message) return call->Finish({});
      call->Write({*message});
      Echo(call);
    });
  }
  GrpcCallPtr Held() { return held_ = held_call_.get_future().get(); }

  std::shared_ptr<GrpcClientCall> Call(const std::string& method, Outcome& outcome,
                                       TimePoint deadline = TimePoint::max()) {
    GrpcMetadata metadata;
    metadata.Add("x-name", "value");
    return channels_->Start(server_->address(), method, metadata, deadline, outcome.Events());
  }
  static void WaitFor(const CancellationPtr& cancellation) {
    std::promise<void> cancelled;
    (void)cancellation->OnCancel([&cancelled] { cancelled.set_value(); });
    EXPECT_EQ(cancelled.get_future().wait_for(30s), std::future_status::ready);
  }

  std::promise<GrpcCallPtr> held_call_;
  GrpcCallPtr held_;
  std::unique_ptr<GrpcServer> server_;
  std::unique_ptr<GrpcChannels> channels_ = MakeGrpcChannels({});
};

TEST_F(GrpcTest, AnswersACallOfOneMessageWithOne) {
  Start();
  Outcome outcome;
  const auto call = Call("/unary", outcome);
  call->Write(Message("x"));
  call->WritesDone();
  EXPECT_EQ(outcome.Status().code, 0);
  EXPECT_THAT(outcome.Messages(1), ElementsAre("got x"));
  EXPECT_EQ(outcome.Trailing("x-name"), "value");
}

TEST_F(GrpcTest, AsksWithOneMessageEachWayOverAnyOfItsConnections) {
  Start();
  channels_ = MakeGrpcChannels({.connections = 3});
  GrpcMetadata metadata;
  metadata.Add("x-name", "value");
  for (int i = 0; i < 6; ++i) {
    std::promise<void> ended;
    channels_->Ask(server_->address(), "/unary", metadata, TimePoint::max(), Message("x"),
                   [&ended](const GrpcStatus& status, const Blob& reply, const GrpcMetadata& last) {
                     EXPECT_EQ(status.code, 0) << status.message;
                     EXPECT_EQ(reply.text(), "got x");
                     EXPECT_EQ(last.Get("x-name"), "value");
                     ended.set_value();
                   });
    ASSERT_EQ(ended.get_future().wait_for(30s), std::future_status::ready);
  }
}

TEST_F(GrpcTest, AQuestionUnderWayEndsWithItsPool) {
  Start();
  int code = 0;
  channels_->Ask(
      server_->address(), "/held", {}, TimePoint::max(), Message("x"),
      [&code](const GrpcStatus& status, const Blob&, const GrpcMetadata&) { code = status.code; });
  Held();
  channels_ = nullptr;
  constexpr int kCancelled = 1;
  EXPECT_EQ(code, kCancelled);
}

TEST_F(GrpcTest, KeepsTheOrderOfAStreamBothWays) {
  Start();
  Outcome outcome;
  const auto call = Call("/echo", outcome);
  std::vector<std::string> sent;
  for (int i = 0; i < 300; ++i) {
    sent.push_back(std::string(static_cast<size_t>(i) * 37, 'a') + std::to_string(i));
    call->Write(Message(sent.back()));
  }
  EXPECT_EQ(outcome.Messages(300), sent);
  call->WritesDone();
  EXPECT_EQ(outcome.Status().code, 0);
}

TEST_F(GrpcTest, CarriesLargeMessagesInPartsAndEmptyOnes) {
  Start();
  Outcome outcome;
  const auto call = Call("/echo", outcome);
  const std::string large(9 << 20, 'z');
  call->Write({Blob::FromString("head"), Blob::FromString(large)});
  call->Write(Message(""));
  EXPECT_EQ(outcome.Messages(2), (std::vector<std::string>{"head" + large, ""}));
}

TEST_F(GrpcTest, TellsTheHandlerThatTheClientHasLeft) {
  Start();
  Outcome outcome;
  auto call = Call("/held", outcome);
  const GrpcCallPtr held = Held();
  EXPECT_FALSE(held->cancellation()->cancelled());
  call->Cancel();
  WaitFor(held->cancellation());
  EXPECT_EQ(outcome.Status().code, kCancelled);
  EXPECT_FALSE(held->Write(Message("too late")));
  held->Finish({});
}

TEST_F(GrpcTest, TellsTheHandlerOfTheClientsDeadline) {
  Start();
  Outcome outcome;
  const TimePoint deadline = std::chrono::steady_clock::now() + 300ms;
  const auto call = Call("/held", outcome, deadline);
  const GrpcCallPtr held = Held();
  EXPECT_LT(held->deadline(), TimePoint::max());
  WaitFor(held->cancellation());
  EXPECT_EQ(outcome.Status().code, kDeadlineExceeded);
}

TEST_F(GrpcTest, RefusesMessagesThatAreTooLarge) {
  Start({.max_message_bytes = 1000});
  Outcome outcome;
  const auto call = Call("/unary", outcome);
  call->Write(Message(std::string(1001, 'x')));
  call->WritesDone();
  EXPECT_EQ(outcome.Status().code, kResourceExhausted);
}

TEST_F(GrpcTest, RefusesCallsThatAreTooMany) {
  Start({.threads = 1, .max_calls = 1});
  Outcome first, second;
  const auto held = Call("/held", first);
  const GrpcCallPtr kept = Held();
  const auto refused = Call("/unary", second);
  EXPECT_EQ(second.Status().code, kResourceExhausted);
  EXPECT_THAT(second.Status().message, HasSubstr("more than 1 calls"));
}

TEST_F(GrpcTest, HoldsNoMoreThanItsBoundForAClientThatDoesNotRead) {
  Start({.max_unsent_bytes = 1 << 20});
  Outcome outcome;
  std::promise<void> let_go;
  std::shared_future<void> wait = let_go.get_future().share();
  const auto call = channels_->Start(
      server_->address(), "/held", {}, TimePoint::max(),
      {.on_message = [wait](const Blob&) { wait.wait(); }, .on_done = outcome.Events().on_done});
  const GrpcCallPtr held = Held();
  int taken = 0;
  while (taken < 10'000 && held->Write(Message(std::string(100'000, 'x')))) ++taken;
  EXPECT_LT(taken, 10'000);
  held->Finish({.code = kResourceExhausted});
  let_go.set_value();
  EXPECT_EQ(outcome.Status().code, kResourceExhausted);
}

TEST_F(GrpcTest, EndsACallThatItsHandlerDropped) {
  Start();
  Outcome outcome;
  const auto call = Call("/dropped", outcome);
  EXPECT_EQ(outcome.Status().code, kInternal);
}

TEST_F(GrpcTest, CompressesWhatItSends) {
  Start({.response_compression = GrpcCompression::kHigh});
  Outcome outcome;
  const auto call = Call("/unary", outcome);
  call->Write(Message(std::string(100'000, 'x')));
  call->WritesDone();
  EXPECT_THAT(outcome.Messages(1), ElementsAre("got " + std::string(100'000, 'x')));
}

TEST_F(GrpcTest, DrainLetsCallsUnderWayFinish) {
  Start();
  Outcome outcome, late;
  const auto call = Call("/held", outcome);
  const GrpcCallPtr held = Held();
  auto drained = std::async(std::launch::async, [this] { server_->Drain(60s); });
  // A call of a new connection fails from some moment on: the drain has begun.
  for (int code = 0; code != kUnavailable;) {
    Outcome probe;
    const auto channels = MakeGrpcChannels({});
    const auto other =
        channels->Start(server_->address(), "/unary", {}, TimePoint::max(), probe.Events());
    other->Write(Message("x"));
    other->WritesDone();
    code = probe.Status().code;
    ASSERT_NE(code, -1);
  }
  held->FinishWith(Message("the last"));
  ASSERT_EQ(outcome.Status().code, 0) << outcome.Status().message;
  EXPECT_THAT(outcome.Messages(1), ElementsAre("the last"));
  held_ = nullptr;
  EXPECT_EQ(drained.wait_for(30s), std::future_status::ready);
}

TEST_F(GrpcTest, DrainWithoutPatienceCancelsCalls) {
  Start();
  Outcome outcome;
  const auto call = Call("/held", outcome);
  const GrpcCallPtr held = Held();
  auto drained = std::async(std::launch::async, [this] { server_->Drain(0ms); });
  WaitFor(held->cancellation());
  held_ = nullptr;
  EXPECT_EQ(drained.wait_for(30s), std::future_status::ready);
  EXPECT_NE(outcome.Status().code, 0);
}

TEST_F(GrpcTest, NamesThePortThatIsTaken) {
  Start();
  const std::string address = server_->address();
  const auto port = static_cast<uint16_t>(std::stoi(address.substr(address.rfind(':') + 1)));
  const auto second = GrpcServer::Listen({.port = port}, [](const GrpcCallPtr&) {});
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().message(), HasSubstr(std::to_string(port)));
}

TEST_F(GrpcTest, SpeaksTlsAndAsksClientsForTheirCertificates) {
  CertificateAuthority ours("ours");
  const auto files = ours.Certify("server");
  for (const bool mutual : {false, true}) {
    SCOPED_TRACE(mutual);
    Start({.tls = {.certificate_file = files.certificate,
                   .key_file = files.key,
                   .client_authority_file = mutual ? ours.file() : ""}});
    channels_ = MakeGrpcChannels({.tls = true, .authority_file = ours.file()});
    Outcome outcome;
    const std::string large(3 << 20, 'z');
    const auto call = Call("/unary", outcome);
    call->Write(Message(large));
    call->WritesDone();
    EXPECT_EQ(outcome.Status().code, mutual ? kUnavailable : 0);
    if (!mutual) {
      EXPECT_EQ(outcome.Messages(1), std::vector<std::string>{"got " + large});
    }
    channels_.reset();
    server_.reset();
  }
}

TEST_F(GrpcTest, SharesItsPortWhenItIsTold) {
  Start({.reuse_port = true});
  const std::string address = server_->address();
  const auto port = static_cast<uint16_t>(std::stoi(address.substr(address.rfind(':') + 1)));
  const auto second =
      GrpcServer::Listen({.port = port, .reuse_port = true}, [](const GrpcCallPtr&) {});
  EXPECT_TRUE(second) << second.error().message();
}

TEST_F(GrpcTest, NamesTheCertificateThatIsNotThere) {
  const auto server =
      GrpcServer::Listen({.tls = {.certificate_file = "/no/such.crt", .key_file = "/no/such.key"}},
                         [](const GrpcCallPtr&) {});
  ASSERT_FALSE(server);
  EXPECT_THAT(server.error().message(), HasSubstr("/no/such.crt"));
}

}  // namespace
}  // namespace sarai::net
