#include "net/internal/socket_server.h"

#include <utility>

#include <fmt/format.h>

namespace sarai::net {
namespace {

// A loop that has stopped has closed all that was on it: nothing is left to do there.
bool PostTo(const std::shared_ptr<ServerLoop>& part, Task task) { return part->loop().Post(task); }

}  // namespace

SocketServer::SocketServer(EventLoops& loops, ServerOptions options, MakeConnection make_connection,
                           TlsContextPtr tls)
    : shared_(std::make_shared<ServerShared>(std::move(options), std::move(make_connection),
                                             std::move(tls))) {
  for (const auto& loop : loops.impl().loops)
    parts_.push_back(std::make_shared<ServerLoop>(loop, shared_));
  acceptor_ = std::make_shared<Acceptor>(parts_);
}

Status SocketServer::Start() {
  SARAI_CHECK_OK(acceptor_->Listen(shared_->options));
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

std::string SocketServer::address() const {
  const auto endpoint = acceptor_->endpoint();
  const auto text = endpoint.address().to_string();
  return endpoint.address().is_v6() ? fmt::format("[{}]:{}", text, port())
                                    : fmt::format("{}:{}", text, port());
}

void SocketServer::Drain(std::chrono::milliseconds patience) {
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

}  // namespace sarai::net
