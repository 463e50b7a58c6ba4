// What is kept of one endpoint: its status and the deployments behind it. A deployment is frozen
// when it is made, because the configuration and the models it came from may be deleted after that.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/status.h"
#include "wire/json/json.h"

namespace sarai::control {

enum class EndpointStatus { kCreating, kInService, kUpdating, kDeleting, kFailed };

std::string_view EndpointStatusName(EndpointStatus status);  // "InService", as AWS spells it

struct DeployedVariant {
  std::string name;
  std::string model_name;
  std::string image;  // as asked for; every image is served by our own instance
  std::string instance_type;
  std::string source_url;  // of the archive, or the prefix with a slash at its end
  bool multi_model = false;
  std::map<std::string, std::string> environment;  // of the model's container
  int64_t start_timeout_seconds = 0;               // 0 = the default
  int64_t volume_gib = 0;                          // VolumeSizeInGB; 0 = the instance type's
  double weight = 1;
  std::vector<std::string> instances;  // ids; as many as are desired
};

struct Deployment {
  std::string config_name;
  WallTime begun;
  std::vector<DeployedVariant> variants;
};

//   Creating -> InService <-> Updating
//       |           |            |
//       v           v            v
//     Failed ->  Deleting -> (no record)
struct EndpointRecord {
  std::string name;
  std::string arn;
  EndpointStatus status = EndpointStatus::kCreating;
  std::string failure_reason;  // of the last deployment that failed; empty = none
  WallTime created, modified;
  std::optional<Deployment> current;  // has the traffic
  std::optional<Deployment> pending;  // will have it when all of it is ready
  json::Object deployment_config;     // of the last create or update, echoed
};

std::string EncodeEndpoint(const EndpointRecord& record);
// Error: kDataLoss when the text was not written by EncodeEndpoint.
Result<EndpointRecord> DecodeEndpoint(std::string_view text);

}  // namespace sarai::control
