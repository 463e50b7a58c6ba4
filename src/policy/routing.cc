#include "policy/routing.h"

#include <algorithm>
#include <tuple>

#include <fmt/format.h>

namespace sarai::policy {
namespace {

using Indexes = std::vector<size_t>;

bool IsLoading(ModelState state) {
  return state == ModelState::kFetching || state == ModelState::kLoading;
}

Indexes Candidates(std::span<const InstanceView> instances, std::span<const std::string> exclude) {
  Indexes result;
  for (size_t i = 0; i < instances.size(); ++i) {
    if (instances[i].ready && std::ranges::find(exclude, instances[i].id) == exclude.end()) {
      result.push_back(i);
    }
  }
  return result;
}

template <typename Keep>
Indexes Filter(const Indexes& from, Keep keep) {
  Indexes result;
  std::ranges::copy_if(from, std::back_inserter(result), keep);
  return result;
}

// The first choice by hash; the id breaks the (unlikely) tie, so that all gateways agree.
size_t ByHash(std::span<const InstanceView> instances, const Indexes& among,
              std::string_view model) {
  return *std::ranges::max_element(among, {}, [&](size_t i) {
    return std::pair(RendezvousScore(instances[i].id, model), std::string_view(instances[i].id));
  });
}

size_t LeastBusy(std::span<const InstanceView> instances, const Indexes& among,
                 std::string_view model) {
  return *std::ranges::min_element(among, {}, [&](size_t i) {
    const InstanceView& at = instances[i];
    return std::tuple(at.model_in_flight, at.in_flight, ~RendezvousScore(at.id, model));
  });
}

// Where a copy is made when the best holder has its hands full; nothing = stay with the holder.
std::optional<RouteChoice> Spill(std::span<const InstanceView> instances, const Indexes& candidates,
                                 size_t holder, std::string_view model,
                                 const RoutingOptions& options) {
  const InstanceView& full = instances[holder];
  if (full.model_in_flight < options.spill_in_flight) return std::nullopt;
  const Indexes others =
      Filter(candidates, [&](size_t i) { return instances[i].model_state != ModelState::kReady; });
  if (others.empty()) return std::nullopt;
  const size_t next = ByHash(instances, others, model);
  if (instances[next].in_flight >= full.in_flight) return std::nullopt;
  return RouteChoice{next,
                     fmt::format("spilled: {} in flight on {}", full.model_in_flight, full.id)};
}

RouteChoice Home(std::span<const InstanceView> instances, const Indexes& candidates,
                 std::string_view model, std::span<const std::string> exclude) {
  const size_t home = ByHash(instances, candidates, model);
  const bool first_choice = exclude.empty();
  return {home, first_choice ? "home by hash" : "next by hash: " + exclude.back() + " was tried"};
}

}  // namespace

std::optional<RouteChoice> PickInstance(std::span<const InstanceView> instances,
                                        std::string_view model,
                                        std::span<const std::string> exclude,
                                        const RoutingOptions& options, std::string_view sequence) {
  const Indexes candidates = Candidates(instances, exclude);
  if (candidates.empty()) return std::nullopt;
  const Indexes holders =
      Filter(candidates, [&](size_t i) { return instances[i].model_state == ModelState::kReady; });
  if (!holders.empty()) {
    if (!sequence.empty()) return RouteChoice{ByHash(instances, holders, sequence), "resident"};
    const size_t best = LeastBusy(instances, holders, model);
    if (auto spill = Spill(instances, candidates, best, model, options)) return spill;
    return RouteChoice{best, "resident"};
  }
  const Indexes loading =
      Filter(candidates, [&](size_t i) { return IsLoading(instances[i].model_state); });
  if (!loading.empty()) return RouteChoice{LeastBusy(instances, loading, model), "loading there"};
  return Home(instances, candidates, model, exclude);
}

uint64_t RendezvousScore(std::string_view instance, std::string_view model) {
  uint64_t hash = 0xcbf29ce484222325;  // FNV-1a over both names, 0 between them
  const auto add = [&hash](unsigned char byte) { hash = (hash ^ byte) * 0x100000001b3; };
  for (char c : instance) add(static_cast<unsigned char>(c));
  add(0);
  for (char c : model) add(static_cast<unsigned char>(c));
  // FNV's high bits hardly depend on the last bytes; the comparison needs them to.
  hash = (hash ^ (hash >> 33)) * 0xff51afd7ed558ccd;
  hash = (hash ^ (hash >> 33)) * 0xc4ceb9fe1a85ec53;
  return hash ^ (hash >> 33);
}

std::optional<size_t> PickVariant(std::span<const double> weights, double uniform) {
  const auto usable = [](double weight) { return weight > 0 ? weight : 0; };  // NaN counts as 0
  double total = 0;
  for (double weight : weights) total += usable(weight);
  if (!(total > 0)) return std::nullopt;
  double left = uniform * total;
  std::optional<size_t> last;
  for (size_t i = 0; i < weights.size(); ++i) {
    if (usable(weights[i]) == 0) continue;
    last = i;
    left -= weights[i];
    if (left < 0) break;
  }
  return last;
}

}  // namespace sarai::policy
