// The options of an instance's parts, out of the instance's own.
#pragma once

#include "base/status.h"
#include "engine/backend_registry.h"
#include "engine/engine.h"
#include "instance/model_manager.h"
#include "instance/options.h"

namespace sarai::instance {

// Errors: kInvalidArgument, for options that do not go together.
Status CheckOptions(const InstanceOptions& options);

engine::RegistryOptions RegistryOptionsOf(const InstanceOptions& options);
engine::EngineOptions EngineOptionsOf(const InstanceOptions& options);  // who runs steps is not set
engine::LoadOptions LoadOptionsOf(
    const InstanceOptions& options);  // what all models have in common
ManagerOptions ManagerOptionsOf(const InstanceOptions& options);

}  // namespace sarai::instance
