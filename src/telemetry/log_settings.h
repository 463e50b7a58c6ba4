// Log settings as the protocols carry them. Names and rules: Triton
// docs/protocol/extension_logging.md.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <variant>

#include "base/log.h"
#include "base/status.h"

namespace sarai::telemetry {

using LogSettingValues = std::map<std::string, std::variant<bool, uint32_t, std::string>>;

// Errors: kUnimplemented for log_file, which cannot change while it runs; kInvalidArgument names
// the setting.
Result<LogSwitches> UpdateLog(LogSwitches switches, const LogSettingValues& changes);

LogSettingValues LogValues(const LogSwitches& switches, const std::string& file);

}  // namespace sarai::telemetry
