#include "net/grpc/server.h"

#include <atomic>
#include <condition_variable>
#include <fstream>
#include <iterator>
#include <thread>
#include <vector>

#include "net/grpc/server_call.h"

namespace sarai::net {
namespace {

constexpr int kAwaitedCalls = 16;  // per queue: a burst of that many finds somebody ready
constexpr int kResourceExhausted = 8;

Result<std::string> ReadPem(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  if (!file.good() && !file.eof())
    return Error(Code::kInvalidArgument, "cannot read '{}': is the path right?", path);
  if (text.empty()) return Error(Code::kInvalidArgument, "'{}' is empty or cannot be read", path);
  return text;
}

Result<std::shared_ptr<grpc::ServerCredentials>> Credentials(const TlsOptions& tls) {
  if (!tls.enabled()) return grpc::InsecureServerCredentials();
  grpc::SslServerCredentialsOptions options;
  SARAI_TRY(std::string certificate, ReadPem(tls.certificate_file));
  SARAI_TRY(std::string key, ReadPem(tls.key_file));
  options.pem_key_cert_pairs.push_back({std::move(key), std::move(certificate)});
  if (!tls.client_authority_file.empty()) {
    SARAI_TRY(options.pem_root_certs, ReadPem(tls.client_authority_file));
    options.client_certificate_request = GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY;
  }
  return grpc::SslServerCredentials(options);
}

int Milliseconds(std::chrono::milliseconds time) {
  return static_cast<int>(std::min<int64_t>(time.count(), INT_MAX));
}

void SetArguments(grpc::ServerBuilder& builder, const GrpcServerOptions& options) {
  const auto set = [&builder](const char* name, int value) {
    builder.AddChannelArgument(name, value);
  };
  builder.SetMaxReceiveMessageSize(
      static_cast<int>(std::min<uint64_t>(options.max_message_bytes, INT_MAX)));
  builder.SetMaxSendMessageSize(-1);
  if (options.response_compression != GrpcCompression::kNone)
    builder.SetDefaultCompressionLevel(
        static_cast<grpc_compression_level>(options.response_compression));
  set(GRPC_ARG_ALLOW_REUSEPORT, options.reuse_port ? 1 : 0);
  set(GRPC_ARG_KEEPALIVE_TIME_MS, Milliseconds(options.keepalive_time));
  set(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, Milliseconds(options.keepalive_timeout));
  set(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, options.keepalive_permit_without_calls ? 1 : 0);
  set(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, options.max_pings_without_data);
  set(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
      Milliseconds(options.min_recv_ping_interval_without_data));
  set(GRPC_ARG_HTTP2_MAX_PING_STRIKES, options.max_ping_strikes);
  if (options.max_connection_age.count() > 0)
    set(GRPC_ARG_MAX_CONNECTION_AGE_MS, Milliseconds(options.max_connection_age));
  if (options.max_connection_age_grace.count() > 0)
    set(GRPC_ARG_MAX_CONNECTION_AGE_GRACE_MS, Milliseconds(options.max_connection_age_grace));
}

// Threads: Listen's caller and one per completion queue.
class QueueServer final : public GrpcServer {
 public:
  QueueServer(GrpcServerOptions options, GrpcHandler handler)
      : options_(std::move(options)), handler_(std::move(handler)) {}
  ~QueueServer() override { Drain(std::chrono::milliseconds(0)); }

  Status Start();
  std::string address() const override { return fmt::format("{}:{}", options_.address, port_); }
  void Drain(std::chrono::milliseconds patience) override;

 private:
  void Serve(grpc::ServerCompletionQueue& queue);
  void Await(grpc::ServerCompletionQueue& queue);
  void Take(const std::shared_ptr<GrpcServerCall>& call);
  void CountEnd();

  const GrpcServerOptions options_;
  const GrpcHandler handler_;
  grpc::AsyncGenericService service_;
  GrpcServerCall::Host host_;
  std::unique_ptr<grpc::Server> server_;
  std::vector<std::unique_ptr<grpc::ServerCompletionQueue>> queues_;
  std::vector<std::thread> threads_;
  int port_ = 0;
  std::atomic<bool> draining_ = false;

  std::mutex mu_;
  std::condition_variable idle_;
  uint64_t calls_ = 0;  // under way and awaited; guarded by mu_

  std::mutex drain_mu_;
  bool drained_ = false;  // guarded by drain_mu_
};

Status QueueServer::Start() {
  host_ = {.service = &service_,
           .max_unsent_bytes = options_.max_unsent_bytes,
           .on_arrival = [this](std::shared_ptr<GrpcServerCall> call) { Take(call); },
           .on_end = [this] { CountEnd(); }};
  SARAI_TRY(const auto credentials, Credentials(options_.tls));
  grpc::ServerBuilder builder;
  const bool v6 = options_.address.find(':') != std::string::npos;
  const std::string host = v6 ? "[" + options_.address + "]" : options_.address;
  builder.AddListeningPort(fmt::format("{}:{}", host, options_.port), credentials, &port_);
  builder.RegisterAsyncGenericService(&service_);
  SetArguments(builder, options_);
  for (int i = 0; i < std::max(options_.threads, 1); ++i)
    queues_.push_back(builder.AddCompletionQueue());
  server_ = builder.BuildAndStart();
  if (server_ == nullptr || port_ == 0)
    return MakeStatus(Code::kUnavailable,
                      "cannot listen for gRPC on {}:{}: is the port taken, or the certificate bad?",
                      options_.address, options_.port);
  for (auto& queue : queues_) {
    for (int i = 0; i < kAwaitedCalls; ++i) Await(*queue);
    threads_.emplace_back([this, &queue] { Serve(*queue); });
  }
  return {};
}

// Counts first: the queues live until everything that was awaited has come to an end.
void QueueServer::Await(grpc::ServerCompletionQueue& queue) {
  {
    const std::lock_guard lock(mu_);
    ++calls_;
  }
  std::make_shared<GrpcServerCall>(host_, &queue)->Await();
}

void QueueServer::Serve(grpc::ServerCompletionQueue& queue) {
  void* event = nullptr;
  bool ok = false;
  while (queue.Next(&event, &ok)) {
    auto& tag = *static_cast<GrpcTag*>(event);
    const bool arrived = tag.kind == GrpcTag::Kind::kArrived && ok;
    if (arrived && !draining_) Await(queue);
    tag.call->OnEvent(tag, ok);
  }
}

void QueueServer::Take(const std::shared_ptr<GrpcServerCall>& call) {
  bool too_many = false;
  {
    const std::lock_guard lock(mu_);
    too_many = calls_ > options_.max_calls + kAwaitedCalls * queues_.size();
  }
  if (!too_many) return handler_(std::make_shared<GrpcCallHandle>(call));
  call->Finish({.code = kResourceExhausted,
                .message = fmt::format("more than {} calls at once", options_.max_calls)},
               {});
}

void QueueServer::CountEnd() {
  const std::lock_guard lock(mu_);
  if (--calls_ == 0) idle_.notify_all();
}

void QueueServer::Drain(std::chrono::milliseconds patience) {
  const std::lock_guard drain_lock(drain_mu_);
  if (std::exchange(drained_, true)) return;
  draining_ = true;
  if (server_ != nullptr) {
    server_->Shutdown(std::chrono::system_clock::now() + patience);
    std::unique_lock lock(mu_);
    idle_.wait(lock, [this] { return calls_ == 0; });
  }
  for (auto& queue : queues_) queue->Shutdown();
  for (std::thread& thread : threads_) thread.join();
  // A server that did not start has queues without threads: they must be empty when they go.
  void* event = nullptr;
  bool ok = false;
  if (threads_.empty())
    for (auto& queue : queues_)
      while (queue->Next(&event, &ok)) continue;
}

}  // namespace

Result<std::unique_ptr<GrpcServer>> GrpcServer::Listen(GrpcServerOptions options,
                                                       GrpcHandler handler) {
  auto server = std::make_unique<QueueServer>(std::move(options), std::move(handler));
  SARAI_CHECK_OK(server->Start());
  return server;
}

}  // namespace sarai::net
