// Which parts of the protocol ask the caller for a header first; Triton's restricted APIs. The
// same rules serve HTTP (the header is the key) and gRPC (the metadata is
// "triton-grpc-protocol-<key>").
//
// Threads: immutable once its rules are in.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace sarai::kserve {

enum class ApiCategory {
  kHealth,
  kMetadata,
  kInference,
  kSharedMemory,
  kModelConfig,
  kModelRepository,
  kStatistics,
  kTrace,
  kLogging
};
// "shared-memory"
std::optional<ApiCategory> ParseApiCategory(std::string_view name);

class RestrictedApis {
 public:
  // Each rule is "category,category:key=value". Errors: kInvalidArgument names the rule.
  static Result<RestrictedApis> Parse(const std::vector<std::string>& rules);

  struct Secret {
    std::string key, value;
  };
  // Null = everybody may.
  const Secret* Of(ApiCategory category) const;

 private:
  Status Add(std::string_view rule);

  std::map<ApiCategory, Secret> secrets_;
};

}  // namespace sarai::kserve
