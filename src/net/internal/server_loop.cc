#include "net/internal/server_loop.h"

#include <utility>

namespace sarai::net {

bool ServerShared::Admit() {
  std::lock_guard lock(mu_);
  if (draining || open_ >= options.max_connections) return false;
  ++open_;
  return true;
}

void ServerShared::Leave() {
  std::lock_guard lock(mu_);
  --open_;
  if (Ended()) ended_.notify_all();
}

void ServerShared::SetListening(bool listening) {
  std::lock_guard lock(mu_);
  listening_ = listening;
  if (Ended()) ended_.notify_all();
}

bool ServerShared::AwaitEnd(TimePoint until) {
  std::unique_lock lock(mu_);
  return ended_.wait_until(lock, until, [this] { return Ended(); });
}

void ServerShared::AwaitEnd() {
  std::unique_lock lock(mu_);
  ended_.wait(lock, [this] { return Ended(); });
}

void ServerLoop::Forget() {
  load_.fetch_sub(1, std::memory_order_relaxed);
  shared_->Leave();
}

void ServerLoop::Start(tcp::socket socket) {
  if (loop_->stopping()) return Forget();
  const auto connection = shared_->make_connection(shared_from_this(), std::move(socket));
  connections_.insert(connection);
  connection->Start();
  if (shared_->draining) connection->BeginDrain();
}

void ServerLoop::Remove(const std::shared_ptr<Connection>& connection) {
  if (connections_.erase(connection) > 0) Forget();
}

void ServerLoop::BeginDrain() {
  // Copies: a connection that closes removes itself.
  for (const auto& connection : std::vector(connections_.begin(), connections_.end()))
    connection->BeginDrain();
}

void ServerLoop::CloseAll() {
  for (const auto& connection : std::vector(connections_.begin(), connections_.end()))
    connection->Close();
}

}  // namespace sarai::net
