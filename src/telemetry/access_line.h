// One request as a line of the access log.
#pragma once

#include <string>

#include "base/clock.h"
#include "types/trace.h"

namespace sarai::telemetry {

// One JSON object; `ended`: when the request was answered.
std::string AccessLine(const TraceRecord& record, WallTime ended);

}  // namespace sarai::telemetry
