#include "gateway/fleet_snapshot.h"

#include <utility>

namespace sarai::gateway {
namespace {

std::shared_ptr<InstanceLink> FindOrMakeLink(const FleetInstance& instance,
                                             const FleetSnapshot* previous) {
  if (previous != nullptr)
    if (const auto it = previous->links.find(instance.id);
        it != previous->links.end() && it->second->address() == instance.address)
      return it->second;
  return std::make_shared<InstanceLink>(instance);
}

void RetireMissing(const FleetSnapshot& previous, const FleetSnapshot& next) {
  for (const auto& [id, link] : previous.links) {
    const auto it = next.links.find(id);
    if (it == next.links.end() || it->second != link) link->Retire();
  }
}

}  // namespace

std::shared_ptr<const FleetSnapshot> FleetSnapshot::Build(const FleetView& fleet,
                                                          const FleetSnapshot* previous) {
  auto snapshot = std::make_shared<FleetSnapshot>();
  for (const auto& [name, endpoint] : fleet.endpoints) {
    RoutedEndpoint routed{.status = endpoint.status};
    for (const FleetVariant& variant : endpoint.variants) {
      RoutedVariant routed_variant{.spec = variant};
      for (const FleetInstance& instance : variant.instances) {
        if (instance.address.empty()) continue;  // not started yet
        auto link = FindOrMakeLink(instance, previous);
        snapshot->links[instance.id] = link;
        routed_variant.instances.push_back({std::move(link), instance.ready});
      }
      routed.variants.push_back(std::move(routed_variant));
    }
    snapshot->endpoints.emplace(name, std::move(routed));
  }
  if (previous != nullptr) RetireMissing(*previous, *snapshot);
  return snapshot;
}

}  // namespace sarai::gateway
