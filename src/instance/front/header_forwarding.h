// Headers of a request that become parameters of its inference, by a pattern of their names.
//
// Threads: immutable.
#pragma once

#include <memory>
#include <string>

#include "base/status.h"
#include "types/inference.h"
#include "wire/http/message.h"

namespace re2 {
class RE2;
}

namespace sarai::instance {

class HeaderForwarding {
 public:
  HeaderForwarding() = default;  // forwards nothing
  // RE2's syntax; a part of the name that matches is enough. Errors: kInvalidArgument.
  static Result<HeaderForwarding> Make(const std::string& pattern);

  // Errors: kInvalidArgument, for a header whose name is reserved.
  Status Apply(const http::Headers& headers, Parameters& parameters) const;

 private:
  std::shared_ptr<const re2::RE2> pattern_;  // null: nothing
};

}  // namespace sarai::instance
