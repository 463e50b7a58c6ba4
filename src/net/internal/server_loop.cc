#include "net/internal/server_loop.h"

#include <utility>

#include "net/internal/server_connection.h"

namespace sarai::net {

bool ServerShared::Admit() {
  std::lock_guard lock(mu_);
  if (draining || open_ >= options.max_connections) return false;
  ++open_;
  return true;
}

void ServerShared::Leave() {
  std::lock_guard lock(mu_);
  if (--open_ == 0) none_left_.notify_all();
}

bool ServerShared::AwaitNoneLeft(TimePoint until) {
  std::unique_lock lock(mu_);
  return none_left_.wait_until(lock, until, [this] { return open_ == 0; });
}

void ServerShared::AwaitNoneLeft() {
  std::unique_lock lock(mu_);
  none_left_.wait(lock, [this] { return open_ == 0; });
}

void ServerLoop::Start(tcp::socket socket) {
  if (loop_->stopping()) return shared_->Leave();
  auto connection = std::make_shared<ServerConnection>(shared_from_this(), std::move(socket));
  connections_.insert(connection);
  connection->Start();
  if (shared_->draining) connection->BeginDrain();
}

void ServerLoop::Remove(const std::shared_ptr<ServerConnection>& connection) {
  if (connections_.erase(connection) > 0) shared_->Leave();
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
