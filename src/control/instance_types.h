// What an instance type stands for here: how many bytes of models one instance may hold in memory
// and on disk. Pure.
//
// Memory is the GPUs' for GPU types (that is where the models lie), the host's for the others. The
// machine below may have less: see ControlOptions for the overrides.
#pragma once

#include <cstdint>
#include <string_view>

namespace sarai::control {

struct InstanceBudget {
  uint64_t memory_bytes = 0;
  uint64_t disk_bytes = 0;
};

// "ml.g4dn.4xlarge" -> 16 GiB and its NVMe disk. A type that is not in the table, and so a new one,
// gets a budget in the middle.
InstanceBudget BudgetOf(std::string_view instance_type);

}  // namespace sarai::control
