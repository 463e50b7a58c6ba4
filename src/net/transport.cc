#include "net/transport.h"

#include <atomic>
#include <future>
#include <utility>
#include <vector>

#include "net/internal/client_pool.h"

namespace sarai::net {
namespace {

// One pool per loop; a Send goes to the pool of the calling loop, or to the next in turn.
class HttpTransport final : public Transport {
 public:
  HttpTransport(EventLoops& loops, TransportLimits limits, const TlsContextPtr& tls) {
    for (const auto& loop : loops.impl().loops) {
      auto pool = std::make_shared<ClientPool>(loop, limits, tls);
      Task attach = [pool] { pool->loop().Attach(pool); };
      loop->Post(attach);
      pools_.push_back(std::move(pool));
    }
  }

  ~HttpTransport() override {
    for (const auto& pool : pools_) {
      Task stop = [pool] {
        pool->Stop();
        pool->loop().Detach(pool.get());
      };
      pool->loop().Post(stop);
    }
  }

  void Send(std::string address, http::Request request, SendOptions options,
            SendCallback done) override {
    auto exchange = std::make_unique<Exchange>(Exchange{
        .address = std::move(address),
        .request = std::move(request),
        .options = options,
        .deadline = std::chrono::steady_clock::now() + options.timeout,
        .done = std::move(done),
    });
    if (ClientPool* here = PoolOfThisThread()) return here->Send(std::move(exchange));
    const auto& pool = pools_[next_.fetch_add(1, std::memory_order_relaxed) % pools_.size()];
    PostSend(pool, std::move(exchange));
  }

 private:
  ClientPool* PoolOfThisThread() {
    const Loop* loop = Loop::Current();
    if (loop == nullptr || static_cast<size_t>(loop->index()) >= pools_.size()) return nullptr;
    const auto& pool = pools_[loop->index()];
    return &pool->loop() == loop ? pool.get() : nullptr;  // not a loop of another EventLoops
  }

  static void PostSend(const std::shared_ptr<ClientPool>& pool,
                       std::unique_ptr<Exchange> exchange) {
    auto* raw = exchange.get();
    Task send = [pool, exchange = std::move(exchange)]() mutable {
      pool->Send(std::move(exchange));
    };
    if (!pool->loop().Post(send))  // which left the task, and so the exchange, whole
      raw->Fail(Status(Code::kUnavailable, "the event loops have stopped"), true);
  }

  std::vector<std::shared_ptr<ClientPool>> pools_;  // constant after construction
  std::atomic<size_t> next_{0};
};

}  // namespace

std::unique_ptr<Transport> MakeHttpTransport(EventLoops& loops, size_t max_idle_per_peer,
                                             std::chrono::milliseconds idle_timeout) {
  return std::make_unique<HttpTransport>(
      loops, TransportLimits{.max_idle_per_peer = max_idle_per_peer, .idle_timeout = idle_timeout},
      nullptr);
}

Result<std::unique_ptr<Transport>> MakeHttpsTransport(EventLoops& loops,
                                                      const ClientTlsOptions& tls,
                                                      size_t max_idle_per_peer,
                                                      std::chrono::milliseconds idle_timeout) {
  SARAI_TRY(TlsContextPtr context, MakeTlsContext(tls));
  return std::make_unique<HttpTransport>(
      loops, TransportLimits{.max_idle_per_peer = max_idle_per_peer, .idle_timeout = idle_timeout},
      std::move(context));
}

std::expected<http::Response, SendError> SendAndWait(Transport& transport, std::string address,
                                                     http::Request request, SendOptions options) {
  if (Loop::Current() != nullptr)
    return std::unexpected(SendError{Status(Code::kFailedPrecondition,
                                            "SendAndWait would block the event loop it is called "
                                            "on: use Send there"),
                                     true});
  auto promise = std::make_shared<std::promise<std::expected<http::Response, SendError>>>();
  auto answer = promise->get_future();
  transport.Send(std::move(address), std::move(request), options,
                 [promise](auto outcome) { promise->set_value(std::move(outcome)); });
  return answer.get();
}

}  // namespace sarai::net
