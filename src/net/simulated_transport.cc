#include "net/simulated_transport.h"

#include <memory>
#include <utility>

namespace sarai::net {
namespace {

SimulatedTransport::Answer Refused(const std::string& address) {
  return std::unexpected(
      SendError{MakeStatus(Code::kUnavailable, "cannot connect to {}: refused", address), true});
}

}  // namespace

SimulatedTransport::~SimulatedTransport() {
  while (!places_.empty()) RemovePeer(std::string(places_.begin()->first));
}

void SimulatedTransport::Send(std::string address, http::Request request, SendOptions options,
                              SendCallback done) {
  Peer peer;
  {
    std::lock_guard lock(mu_);
    sent_.push_back({address, request, options});
    if (const auto place = places_.find(address); place != places_.end()) {
      if (!place->second.peer) return place->second.waiting.push_back(std::move(done));
      peer = place->second.peer;
    }
  }
  Deliver(std::move(done), peer ? peer(request) : Refused(address));
}

void SimulatedTransport::SetPeer(const std::string& address, Peer peer) {
  std::lock_guard lock(mu_);
  places_[address].peer = std::move(peer);
}

void SimulatedTransport::HoldPeer(const std::string& address) { SetPeer(address, nullptr); }

void SimulatedTransport::RemovePeer(const std::string& address) {
  std::deque<SendCallback> broken;
  {
    std::lock_guard lock(mu_);
    const auto place = places_.find(address);
    if (place == places_.end()) return;
    broken = std::move(place->second.waiting);
    places_.erase(place);
  }
  for (SendCallback& done : broken) Deliver(std::move(done), Refused(address));
}

bool SimulatedTransport::Complete(const std::string& address, Answer answer) {
  SendCallback done;
  {
    std::lock_guard lock(mu_);
    const auto place = places_.find(address);
    if (place == places_.end() || place->second.waiting.empty()) return false;
    done = std::move(place->second.waiting.front());
    place->second.waiting.pop_front();
  }
  Deliver(std::move(done), std::move(answer));
  return true;
}

size_t SimulatedTransport::waiting(const std::string& address) const {
  std::lock_guard lock(mu_);
  const auto place = places_.find(address);
  return place == places_.end() ? 0 : place->second.waiting.size();
}

std::vector<SimulatedTransport::Sent> SimulatedTransport::sent() const {
  std::lock_guard lock(mu_);
  return sent_;
}

void SimulatedTransport::Deliver(SendCallback done, Answer answer) {
  if (executor_ == nullptr) return done(std::move(answer));
  executor_->Post(
      [done = std::move(done), answer = std::move(answer)]() mutable { done(std::move(answer)); });
}

}  // namespace sarai::net
