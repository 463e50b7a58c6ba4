#include "backends/common/parameters.h"

#include <cstdint>

#include "base/strings.h"

namespace sarai::backends {

Result<std::optional<bool>> FlagParameter(const std::map<std::string, std::string>& parameters,
                                          const std::string& name) {
  const auto at = parameters.find(name);
  if (at == parameters.end()) return std::nullopt;
  const std::string value = ToLower(Trim(at->second));
  if (value == "true" || value == "1" || value == "on" || value == "yes") return true;
  if (value == "false" || value == "0" || value == "off" || value == "no") return false;
  return Error(Code::kInvalidArgument, "parameter '{}' is '{}': expected true or false", name,
               at->second);
}

Result<std::optional<int>> IntParameter(const std::map<std::string, std::string>& parameters,
                                        const std::string& name, int min, int max) {
  const auto at = parameters.find(name);
  if (at == parameters.end()) return std::nullopt;
  const std::optional<int64_t> value = ParseInt(Trim(at->second));
  if (value && *value >= min && *value <= max) return static_cast<int>(*value);
  return Error(Code::kInvalidArgument, "parameter '{}' is '{}': expected a number from {} to {}",
               name, at->second, min, max);
}

}  // namespace sarai::backends
