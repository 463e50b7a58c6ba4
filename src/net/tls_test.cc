// TLS on both sides, with an authority made for the test.
#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <string>

#include "net/testing/certificates.h"
#include "net/testing/stream_reader.h"
#include "net/testing/transport_fixture.h"

namespace sarai::net {
namespace {

using namespace std::chrono_literals;

class TlsTest : public ServerFixture {
 protected:
  ServerOptions Secure() const {
    ServerOptions options;
    options.tls = {.certificate_file = server_files_.certificate, .key_file = server_files_.key};
    return options;
  }
  ServerOptions Mutual() const {
    ServerOptions options = Secure();
    options.tls.client_authority_file = authority_.file();
    return options;
  }
  std::string address() const { return "https://" + server_->address(); }

  Outcome Ask(const ClientTlsOptions& tls, http::Request request = Get(),
              const SendOptions& options = {}) {
    auto transport = MakeHttpsTransport(*loops_, tls);
    EXPECT_TRUE(transport.has_value()) << transport.error().ToString();
    transports_.push_back(*std::move(transport));
    return SendAndWait(*transports_.back(), address(), std::move(request), options);
  }
  ClientTlsOptions Trusting() const { return {.authority_file = authority_.file()}; }

  CertificateAuthority authority_{"the authority"};
  CertificateAuthority stranger_{"a stranger"};
  const CertificateAuthority::Files server_files_ = authority_.Certify("server");
  std::vector<std::unique_ptr<Transport>> transports_;
};

TEST_F(TlsTest, RequestsAndAnswersOfAnySizePass) {
  Start(Echo, Secure());
  for (const size_t size : {size_t{0}, size_t{1}, size_t{100'000}, size_t{24} << 20}) {
    std::string body(size, '\0');
    for (size_t i = 0; i < size; ++i) body[i] = static_cast<char>(i * 31 >> 3);
    const Outcome outcome =
        Ask(Trusting(),
            {.method = "POST", .target = "/p", .body = Blob::FromString(std::string(body))});
    ASSERT_TRUE(outcome.has_value()) << ErrorOf(outcome).status.ToString();
    EXPECT_TRUE(BodyOf(*outcome) == "POST /p " + body) << size;
  }
}

TEST_F(TlsTest, KeepsTheConnectionForTheNextRequest) {
  Start(Echo, Secure());
  const auto transport = MakeHttpsTransport(*loops_, Trusting());
  ASSERT_TRUE(transport.has_value());
  for (const char* target : {"/1", "/2"}) {
    const Outcome outcome = SendAndWait(**transport, address(), Get(target), {});
    ASSERT_TRUE(outcome.has_value());
    EXPECT_EQ(BodyOf(*outcome), "GET " + std::string(target) + " ");
  }
}

TEST_F(TlsTest, AStreamPasses) {
  const auto stream = std::make_shared<ByteStream>();
  Start(
      [stream](http::Request, http::Responder respond) {
        http::Response response;
        response.stream = stream;
        respond(std::move(response));
      },
      Secure());
  const Outcome outcome = Ask(Trusting(), Get(), {.stream = true});
  ASSERT_TRUE(outcome.has_value());
  stream->Write(Blob::FromString("one"));
  EXPECT_EQ(NextChunk(*outcome->stream).part.text(), "one");
  stream->Write(Blob::FromString("two"));
  stream->End();
  EXPECT_EQ(ReadToEnd(*outcome->stream).body, "two");
}

TEST_F(TlsTest, AClientThatLeavesIsNoticed) {
  std::promise<http::Request> seen;
  std::promise<http::Responder> held;
  Start(
      [&](http::Request request, http::Responder respond) {
        held.set_value(std::move(respond));
        seen.set_value(std::move(request));
      },
      Secure());
  auto transport = MakeHttpsTransport(*loops_, Trusting());
  ASSERT_TRUE(transport.has_value());
  (*transport)->Send(address(), Get(), {}, [](const Outcome&) {});
  const http::Request request = seen.get_future().get();
  std::promise<void> cancelled;
  request.cancellation->OnCancel([&] { cancelled.set_value(); });
  transport->reset();
  EXPECT_EQ(cancelled.get_future().wait_for(20s), std::future_status::ready);
}

TEST_F(TlsTest, AClientTrustsOnlyItsAuthorityAndTheNameItAskedFor) {
  Start(Echo, Secure());
  const SendError untrusted = ErrorOf(Ask({.authority_file = stranger_.file()}));
  EXPECT_EQ(untrusted.status.code(), Code::kUnavailable);
  EXPECT_NE(untrusted.status.message().find("certificate verify failed"), std::string::npos)
      << untrusted.status.ToString();
  EXPECT_FALSE(Ask({}).has_value());  // nor does the system

  const auto elsewhere = authority_.Certify("elsewhere", "DNS:elsewhere.example");
  ServerOptions options;
  options.tls = {.certificate_file = elsewhere.certificate, .key_file = elsewhere.key};
  Start(Echo, options);
  EXPECT_FALSE(Ask(Trusting()).has_value());
}

TEST_F(TlsTest, AServerAsksForACertificateOfItsAuthority) {
  Start(Echo, Mutual());
  const auto ours = authority_.Certify("client");
  const auto theirs = stranger_.Certify("client");
  const auto with = [&](const CertificateAuthority::Files& files) {
    ClientTlsOptions options = Trusting();
    options.certificate_file = files.certificate;
    options.key_file = files.key;
    return options;
  };
  EXPECT_TRUE(Ask(with(ours)).has_value());
  EXPECT_TRUE(Ask(with(ours)).has_value());
  EXPECT_FALSE(Ask(with(theirs)).has_value());
  EXPECT_FALSE(Ask(Trusting()).has_value());
  EXPECT_TRUE(Ask(with(ours)).has_value());
}

TEST_F(TlsTest, AClientThatSpeaksNoTlsIsClosed) {
  Start(Echo, Secure());
  RawSocket client = Connect();
  client.Send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(client.ReadToEnd().find("HTTP/1.1"), std::string::npos);
  EXPECT_TRUE(Ask(Trusting()).has_value());
}

TEST_F(TlsTest, AHandshakeThatDoesNotComeTimesOut) {
  ServerOptions options = Secure();
  options.read_timeout = 30ms;
  Start(Echo, options);
  RawSocket client = Connect();
  client.Send("\x16");
  EXPECT_TRUE(client.AtEnd());
}

TEST_F(TlsTest, ADrainWaitsForNoHandshake) {
  Start(Echo, Secure());
  RawSocket client = Connect();
  client.Send("\x16");
  server_->Drain(60s);
  EXPECT_TRUE(client.AtEnd());
}

TEST_F(TlsTest, AClientThatWantsTheConnectionClosedGetsTheWholeAnswer) {
  Start([](http::Request,
           http::Responder respond) { respond(TextResponse(std::string(4 << 20, 'x'))); },
        Secure());
  auto transport = MakeHttpsTransport(*loops_, Trusting(), 0);  // keeps no connection
  ASSERT_TRUE(transport.has_value());
  const Outcome outcome = SendAndWait(**transport, address(), Get(), {});
  ASSERT_TRUE(outcome.has_value());
  EXPECT_EQ(BodyOf(*outcome).size(), size_t{4} << 20);
}

TEST_F(TlsTest, FilesThatCannotBeUsedAreNamed) {
  const auto error_of = [&](ServerOptions options) {
    auto server = HttpServer::Listen(*loops_, std::move(options), Echo);
    return server ? std::string("it listens") : server.error().message();
  };
  ServerOptions options = Secure();
  options.tls.certificate_file = "/nowhere/a.pem";
  EXPECT_NE(error_of(options).find("certificate '/nowhere/a.pem'"), std::string::npos);
  options = Secure();
  options.tls.key_file = authority_.Certify("other").key;
  EXPECT_NE(error_of(options).find("other.key"), std::string::npos) << error_of(options);
  options = Mutual();
  options.tls.client_authority_file = "/nowhere/b.pem";
  EXPECT_NE(error_of(options).find("authority '/nowhere/b.pem'"), std::string::npos);
  const auto transport = MakeHttpsTransport(*loops_, {.authority_file = "/nowhere/c.pem"});
  EXPECT_NE(transport.error().message().find("authority '/nowhere/c.pem'"), std::string::npos);
}

TEST_F(TlsTest, APlainTransportRefusesAPeerThatWantsTls) {
  Start(Echo, Secure());
  const auto transport = MakeHttpTransport(*loops_);
  const Outcome outcome = SendAndWait(*transport, address(), Get(), {});
  EXPECT_EQ(ErrorOf(outcome).status.code(), Code::kInvalidArgument);
}

}  // namespace
}  // namespace sarai::net
