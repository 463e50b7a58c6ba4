// What the gateway knows of one instance: where it is, what it holds by its residency feed, and
// what has been sent there and not come back.
//
// Threads: any; the tables are behind one short lock. Lifetime: shared by the published snapshots
// and the requests in flight.
#pragma once

#include <atomic>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "base/status.h"
#include "policy/routing.h"
#include "types/fleet.h"
#include "types/residency.h"

namespace sarai::gateway {

class InstanceLink {
 public:
  explicit InstanceLink(const FleetInstance& instance)
      : id_(instance.id), address_(instance.address) {}

  const std::string& id() const { return id_; }
  const std::string& address() const { return address_; }

  // `ready` is what control says.
  policy::InstanceView View(std::string_view model, bool ready) const;

  void Sent(std::string_view model);
  void Returned(std::string_view model);
  // An answer's own word on the model's state, ahead of the feed.
  void Note(std::string_view model, ModelState state);

  // Replaces the table by the body of GET /sarai/v1/residency; returns the feed's version.
  Result<int64_t> ApplyFeed(std::string_view json);

  // A connection to it was refused or broke: it is passed over until its feed answers again.
  // Return what was set before.
  bool SetBroken(bool broken) { return broken_.exchange(broken); }

  // Set once, when the instance has left the fleet: its feed ends.
  void Retire() { retired_ = true; }
  bool retired() const { return retired_; }

 private:
  const std::string id_;
  const std::string address_;
  std::atomic<bool> retired_ = false;
  std::atomic<bool> broken_ = false;
  std::atomic<int64_t> in_flight_ = 0;
  mutable std::mutex mu_;
  std::map<std::string, ModelState, std::less<>> states_;  // guarded by mu_; absent ones are not in
  std::map<std::string, int64_t, std::less<>> model_in_flight_;  // guarded by mu_; no zeros
};

}  // namespace sarai::gateway
