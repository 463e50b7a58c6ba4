// The fleet as control publishes it and the gateway routes by it. Immutable once published.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace sarai {

struct FleetInstance {
  std::string id;       // "demo-AllTraffic-1", unique in the process's lifetime
  std::string address;  // "127.0.0.1:34567"
  bool ready = false;   // answers /ping
};

struct FleetVariant {
  std::string name;
  double weight = 1;
  bool multi_model = true;
  std::string model_prefix;  // s3://bucket/prefix/ (multi-model), or the one archive's URL
  std::vector<FleetInstance> instances;
};

struct FleetEndpoint {
  std::string name;
  std::string status;  // "InService", …
  std::vector<FleetVariant> variants;
};

struct FleetView {
  std::map<std::string, FleetEndpoint, std::less<>> endpoints;
};

using FleetViewPtr = std::shared_ptr<const FleetView>;

}  // namespace sarai
