// Loopback figures of this room, by itself: requests per second and latency of a closed loop of
// clients against an echo server, directly and through a forwarding server in between.
//
//   net_bench [connections=1] [seconds=3] [body bytes=0] [serve]
//
// `serve` prints the two addresses and waits for the end of standard input, for use with wrk.
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "net/event_loops.h"
#include "net/server.h"
#include "net/transport.h"

namespace sarai::net {
namespace {

using SteadyClock = std::chrono::steady_clock;

void Echo(http::Request request, http::Responder respond) {
  http::Response response;
  response.headers.Add("Content-Type", "application/octet-stream");
  if (!request.body.empty()) response.body.push_back(std::move(request.body));
  respond(std::move(response));
}

// Keeps one request on its way, again and again, all on the client's loop.
class ClosedLoop {
 public:
  ClosedLoop(Transport& transport, std::string address, Blob body)
      : transport_(transport), address_(std::move(address)), body_(std::move(body)) {}

  void Next() {
    http::Request request{.method = body_.empty() ? "GET" : "POST", .target = "/v2/health/ready"};
    request.headers.Add("Content-Type", "application/octet-stream");
    request.body = body_;
    const auto start = SteadyClock::now();
    transport_.Send(address_, std::move(request), {}, [this, start](auto outcome) {
      if (!outcome) {
        fmt::print(stderr, "{}\n", outcome.error().status.ToString());
        std::exit(1);
      }
      micros_.push_back(
          std::chrono::duration<double, std::micro>(SteadyClock::now() - start).count());
      if (stop) {
        stopped = true;
        stopped.notify_one();
      } else {
        Next();
      }
    });
  }
  const std::vector<double>& micros() const { return micros_; }

  std::atomic<bool> stop{false};
  std::atomic<bool> stopped{false};

 private:
  Transport& transport_;
  const std::string address_;
  const Blob body_;
  std::vector<double> micros_;
};

double Measure(const char* what, const std::string& address, int connections, double seconds,
               size_t bytes) {
  EventLoops loops(1);
  const auto transport = MakeHttpTransport(loops, connections);
  const Blob body = Blob::FromString(std::string(bytes, 'x'));
  std::vector<std::unique_ptr<ClosedLoop>> clients;
  const auto start = SteadyClock::now();
  for (int i = 0; i < connections; ++i)
    clients.push_back(std::make_unique<ClosedLoop>(*transport, address, body));
  for (auto& client : clients) client->Next();
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
  for (auto& client : clients) client->stop = true;
  for (auto& client : clients) client->stopped.wait(false);
  const std::chrono::duration<double> took = SteadyClock::now() - start;
  std::vector<double> all;
  for (auto& client : clients)
    all.insert(all.end(), client->micros().begin(), client->micros().end());
  std::ranges::sort(all);
  const double p50 = all[all.size() / 2];
  fmt::print("{:<22} {:>9.0f} req/s  p50 {:>7.1f} us  p99 {:>7.1f} us\n", what,
             static_cast<double>(all.size()) / took.count(), p50, all[all.size() * 99 / 100]);
  return p50;
}

int Main(int argc, char** argv) {
  const int connections = argc > 1 ? std::atoi(argv[1]) : 1;
  const double seconds = argc > 2 ? std::atof(argv[2]) : 3;
  const size_t bytes = argc > 3 ? static_cast<size_t>(std::atoll(argv[3])) : 0;
  EventLoops server_loops(1);
  EventLoops gateway_loops(1);
  const auto upstream = MakeHttpTransport(gateway_loops);
  const auto server = HttpServer::Listen(server_loops, {}, Echo);
  if (!server) return fmt::print(stderr, "{}\n", server.error().ToString()), 1;
  const std::string address = (*server)->address();
  const auto gateway =
      HttpServer::Listen(gateway_loops, {}, [&](http::Request request, http::Responder respond) {
        upstream->Send(address, std::move(request), {},
                       [respond = std::move(respond)](auto outcome) mutable {
                         respond(outcome ? *std::move(outcome) : http::Response{.status = 502});
                       });
      });
  if (!gateway) return fmt::print(stderr, "{}\n", gateway.error().ToString()), 1;
  if (argc > 4 && std::string(argv[4]) == "serve") {
    fmt::print("http://{} http://{}\n", address, (*gateway)->address());
    std::fflush(stdout);
    while (std::getchar() != EOF) {
    }
    return 0;
  }
  const double direct = Measure("direct", address, connections, seconds, bytes);
  const double forwarded =
      Measure("through a forwarder", (*gateway)->address(), connections, seconds, bytes);
  fmt::print("p50 forwarded / direct = {:.2f}\n", forwarded / direct);
  return 0;
}

}  // namespace
}  // namespace sarai::net

int main(int argc, char** argv) { return sarai::net::Main(argc, argv); }
