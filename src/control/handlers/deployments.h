// From an endpoint configuration to a deployment: the models looked up, the instances numbered.
//
// Threads: the control strand.
#pragma once

#include <expected>
#include <map>
#include <string>

#include "control/handlers/call.h"
#include "control/state/endpoint_record.h"

namespace sarai::control {

// What a variant keeps from the deployment before, where the client wants it kept.
struct RetainedProperties {
  std::map<std::string, size_t> instance_counts;  // by variant
  std::map<std::string, double> weights;
};

// A deployment of the configuration of that name, with new instances. Errors: an unknown
// configuration or model, members that can not be served, more instances than the account may have.
std::expected<Deployment, AwsError> MakeDeployment(SageMakerServices& services,
                                                   const std::string& config_name,
                                                   const std::string& endpoint,
                                                   const std::string& region,
                                                   const RetainedProperties& retained);

// The same checks without a deployment, for a configuration that is being created.
std::expected<void, AwsError> CheckEndpointConfig(SageMakerServices& services,
                                                  const json::Object& request,
                                                  const std::string& region);

// Whether `delta` more instances of that type may run.
std::expected<void, AwsError> CheckInstanceLimit(const SageMakerServices& services,
                                                 const std::string& instance_type, int64_t delta);

}  // namespace sarai::control
