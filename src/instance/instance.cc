#include "instance/instance.h"

#include <algorithm>
#include <atomic>
#include <thread>
#include <utility>

#include "instance/core.h"
#include "net/event_loops.h"
#include "net/server.h"

namespace sarai::instance {
namespace {

constexpr int kMaxDefaultHttpThreads = 4;

int HttpThreads(const InstanceOptions& options) {
  if (options.http_threads > 0) return options.http_threads;
  const int cores = static_cast<int>(std::thread::hardware_concurrency());
  return std::clamp(cores, 1, kMaxDefaultHttpThreads);
}

}  // namespace

// The servers call the core: they go first.
struct Instance::Impl {
  explicit Impl(std::unique_ptr<Core> the_core)
      : core(std::move(the_core)), loops(HttpThreads(core->options())) {}
  ~Impl() { Drain(); }

  Status Listen();
  Status ListenForGrpc();
  void Drain();

  const std::unique_ptr<Core> core;
  net::EventLoops loops;
  std::unique_ptr<net::HttpServer> http_server, metrics_server;
  std::unique_ptr<net::GrpcServer> grpc_server;
  std::atomic<bool> drained = false;
};

Status Instance::Impl::Listen() {
  const InstanceOptions& options = core->options();
  net::ServerOptions server{.address = options.http_address,
                            .port = options.http_port,
                            .reuse_port = options.http_reuse_port,
                            .max_body_bytes = options.max_body_bytes,
                            .max_connections = options.max_connections,
                            .idle_timeout = options.idle_timeout,
                            .tls = options.http_tls};
  if (options.serve_http) {
    SARAI_TRY(http_server,
              net::HttpServer::Listen(loops, server, [this](http::Request request, auto respond) {
                core->Handle(std::move(request), std::move(respond));
              }));
  }
  SARAI_CHECK_OK(ListenForGrpc());
  if (!options.serve_metrics) return {};
  server.address = options.metrics_address;
  server.port = options.metrics_port;
  server.reuse_port = false;
  server.tls = {};
  SARAI_TRY(metrics_server,
            net::HttpServer::Listen(loops, server, [this](http::Request request, auto respond) {
              core->HandleMetrics(std::move(request), std::move(respond));
            }));
  return {};
}

Status Instance::Impl::ListenForGrpc() {
  if (!core->options().serve_grpc) return {};
  SARAI_TRY(grpc_server,
            net::GrpcServer::Listen(core->options().grpc, [this](net::GrpcCallPtr call) {
              core->HandleGrpc(std::move(call));
            }));
  return {};
}

// Both fronts share the patience: who waits for one has given the other its time.
void Instance::Impl::Drain() {
  if (drained.exchange(true)) return;
  core->BeginDrain();
  std::thread grpc([this] {
    if (grpc_server) grpc_server->Drain(core->options().drain_patience);
  });
  if (http_server) http_server->Drain(core->options().drain_patience);
  grpc.join();
  if (metrics_server) metrics_server->Drain(std::chrono::milliseconds(0));
  core->Stop();
}

Result<std::unique_ptr<Instance>> Instance::Start(InstanceOptions options, const Clock& clock,
                                                  OnLoaded on_loaded) {
  SARAI_TRY(std::unique_ptr<Core> core, Core::Open(std::move(options), clock));
  auto impl = std::make_unique<Impl>(std::move(core));
  SARAI_CHECK_OK(impl->Listen());
  impl->core->Start(std::move(on_loaded));
  return std::unique_ptr<Instance>(new Instance(std::move(impl)));
}

Instance::Instance(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Instance::~Instance() = default;

std::string Instance::http_address() const {
  return impl_->http_server ? impl_->http_server->address() : "";
}

std::string Instance::grpc_address() const {
  return impl_->grpc_server ? impl_->grpc_server->address() : "";
}

std::string Instance::metrics_address() const {
  return impl_->metrics_server ? impl_->metrics_server->address() : http_address();
}

void Instance::Drain() { impl_->Drain(); }

}  // namespace sarai::instance
