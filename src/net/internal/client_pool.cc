#include "net/internal/client_pool.h"

#include <algorithm>
#include <exception>
#include <utility>

#include "base/log.h"
#include "net/internal/client_connection.h"

namespace sarai::net {

void Exchange::ForgetCancellation() {
  if (cancel_id != 0) options.cancellation->Forget(std::exchange(cancel_id, 0));
}

void Exchange::Finish(std::expected<http::Response, SendError> outcome) {
  try {
    std::exchange(done, nullptr)(std::move(outcome));
  } catch (const std::exception& e) {
    LogError("net", "exception in the callback of a request to {}: {}", address, e.what());
  }
}

void Exchange::Fail(Status status, bool no_byte_received) {
  ForgetCancellation();
  if (stream) return stream->End(std::move(status));
  Finish(std::unexpected(SendError{std::move(status), no_byte_received}));
}

void ClientPool::Send(std::unique_ptr<Exchange> exchange) {
  if (IsCancelled(exchange->options.cancellation))
    return exchange->Fail(Status(Code::kCancelled, "the request was cancelled"), true);
  if (const auto connection = TakeIdle(exchange->address))
    return connection->Reuse(std::move(exchange));
  SendOnFreshConnection(std::move(exchange));
}

void ClientPool::SendOnFreshConnection(std::unique_ptr<Exchange> exchange) {
  if (stopped_ || loop_->stopping())
    return exchange->Fail(Status(Code::kUnavailable, "the transport is stopping"), true);
  auto connection = std::make_shared<ClientConnection>(shared_from_this(), exchange->address);
  connections_.insert(connection);
  connection->Connect(std::move(exchange));
}

std::shared_ptr<ClientConnection> ClientPool::TakeIdle(const std::string& address) {
  const auto found = idle_.find(address);
  if (found == idle_.end() || found->second.empty()) return nullptr;
  const auto connection = found->second.back()->shared_from_this();
  found->second.pop_back();  // the empty entry stays: the peer is in use
  return connection;
}

bool ClientPool::Park(ClientConnection& connection) {
  if (stopped_) return false;
  Idle& idle = idle_[connection.address()];
  if (idle.size() >= limits_.max_idle_per_peer) return false;
  idle.push_back(&connection);
  return true;
}

void ClientPool::Remove(ClientConnection& connection) {
  if (const auto found = idle_.find(connection.address()); found != idle_.end()) {
    std::erase(found->second, &connection);
    if (found->second.empty()) idle_.erase(found);
  }
  connections_.erase(connection.shared_from_this());
}

void ClientPool::Stop() {
  stopped_ = true;
  for (const auto& connection : std::vector(connections_.begin(), connections_.end()))
    connection->Stop();
}

}  // namespace sarai::net
