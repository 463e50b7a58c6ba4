#include "net/server.h"

#include <mutex>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "net/internal/acceptor.h"
#include "net/internal/server_loop.h"

namespace sarai::net {
namespace {

// Owns the acceptor and one ServerLoop per loop; itself touched by its owner's threads only.
class RealHttpServer final : public HttpServer {
 public:
  RealHttpServer(EventLoops& loops, ServerOptions options, Handler handler)
      : shared_(std::make_shared<ServerShared>(std::move(options), std::move(handler))) {
    for (const auto& loop : loops.impl().loops)
      parts_.push_back(std::make_shared<ServerLoop>(loop, shared_));
    acceptor_ = std::make_shared<Acceptor>(parts_);
  }
  ~RealHttpServer() override { Drain(std::chrono::milliseconds(0)); }

  Status Start() {
    SARAI_CHECK_OK(acceptor_->Listen(shared_->options.address, shared_->options.port));
    for (const auto& part : parts_) PostTo(part, [part] { part->loop().Attach(part); });
    shared_->SetListening(true);
    const bool runs = PostTo(parts_.front(), [loop = &parts_.front()->loop(), self = acceptor_] {
      loop->Attach(self);
      self->Start();
    });
    if (runs) return {};
    shared_->SetListening(false);
    return Status(Code::kUnavailable, "cannot listen: the event loops have stopped");
  }

  std::string address() const override {
    const auto endpoint = acceptor_->endpoint();
    const auto text = endpoint.address().to_string();
    return endpoint.address().is_v6() ? fmt::format("[{}]:{}", text, port())
                                      : fmt::format("{}:{}", text, port());
  }
  uint16_t port() const override { return acceptor_->endpoint().port(); }

  void Drain(std::chrono::milliseconds patience) override {
    std::lock_guard lock(drain_mu_);
    if (std::exchange(drained_, true)) return;
    shared_->draining = true;
    PostTo(parts_.front(), [loop = &parts_.front()->loop(), acceptor = acceptor_] {
      acceptor->Close();
      loop->Detach(acceptor.get());
    });
    for (const auto& part : parts_) PostTo(part, [part] { part->BeginDrain(); });
    const TimePoint until = std::chrono::steady_clock::now() + patience;
    if (patience.count() > 0) shared_->AwaitEnd(until);
    for (const auto& part : parts_) {
      PostTo(part, [part] {
        part->CloseAll();
        part->loop().Detach(part.get());
      });
    }
    shared_->AwaitEnd();
  }

 private:
  // A loop that has stopped has closed all that was on it: nothing is left to do there.
  static bool PostTo(const std::shared_ptr<ServerLoop>& part, Task task) {
    return part->loop().Post(task);
  }

  const std::shared_ptr<ServerShared> shared_;
  std::vector<std::shared_ptr<ServerLoop>> parts_;
  std::shared_ptr<Acceptor> acceptor_;
  std::mutex drain_mu_;
  bool drained_ = false;  // guarded by drain_mu_
};

}  // namespace

Result<std::unique_ptr<HttpServer>> HttpServer::Listen(EventLoops& loops, ServerOptions options,
                                                       Handler handler) {
  auto server = std::make_unique<RealHttpServer>(loops, std::move(options), std::move(handler));
  if (Status status = server->Start(); !status.ok()) return Error(std::move(status));
  return server;
}

}  // namespace sarai::net
