// The fleet as the gateway routes by it: control's FleetView with a live link per instance.
// Immutable once published; links are shared from one snapshot to the next.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/instance_link.h"
#include "types/fleet.h"

namespace sarai::gateway {

struct RoutedInstance {
  std::shared_ptr<InstanceLink> link;
  bool ready = false;
};

struct RoutedVariant {
  FleetVariant spec;  // its `instances` are in `instances` below
  std::vector<RoutedInstance> instances;
};

struct RoutedEndpoint {
  std::string status;
  std::vector<RoutedVariant> variants;
};

struct FleetSnapshot {
  std::map<std::string, RoutedEndpoint, std::less<>> endpoints;
  std::map<std::string, std::shared_ptr<InstanceLink>, std::less<>> links;  // by instance id

  // Keeps the links of `previous` where id and address are the same, and retires the rest.
  static std::shared_ptr<const FleetSnapshot> Build(const FleetView& fleet,
                                                    const FleetSnapshot* previous);
};

}  // namespace sarai::gateway
