// Tags as the requests carry them.
#pragma once

#include <map>
#include <string>

#include "base/status.h"
#include "wire/json/json.h"

namespace sarai::control {

// The member Tags: [{Key, Value}, …]; empty when it is absent.
Result<std::map<std::string, std::string>> TagsIn(const json::ObjectView& body);

}  // namespace sarai::control
