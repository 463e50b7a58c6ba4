// Which instance a request goes to. Pure. Rendezvous hashing gives every model a home without any
// state; the residency feed corrects it; load spills to the next choice before a queue grows
// longer than a load would take.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "types/residency.h"

namespace sarai::policy {

struct InstanceView {
  std::string id;
  bool ready = false;
  ModelState model_state = ModelState::kAbsent;  // of the wanted model, by the feed
  int64_t in_flight = 0;        // requests that the gateway has sent there, all models
  int64_t model_in_flight = 0;  // of the wanted model
};

struct RoutingOptions {
  // An instance that holds the model takes this many of its requests before a copy elsewhere is
  // worth a load.
  int64_t spill_in_flight = 32;
};

struct RouteChoice {
  size_t index = 0;    // into the span
  std::string reason;  // "resident", "loading there", "home by hash", "spilled: 33 in flight on a"
};

// `exclude` names instances already tried for this request. Requests of the same `sequence` go to
// the same one of the instances that hold the model, and never make a copy; empty = of none.
// Nothing = no ready instance is left.
std::optional<RouteChoice> PickInstance(std::span<const InstanceView> instances,
                                        std::string_view model,
                                        std::span<const std::string> exclude,
                                        const RoutingOptions& options,
                                        std::string_view sequence = {});

// Highest-random-weight score (Thaler & Ravishankar); the greatest is the model's home.
uint64_t RendezvousScore(std::string_view instance, std::string_view model);

// A variant by weight, from a uniform number in [0,1).
std::optional<size_t> PickVariant(std::span<const double> weights, double uniform);

}  // namespace sarai::policy
