// Restricted APIs over HTTP: which category a path belongs to, and the answer to who lacks its
// header. Every way to a category is closed with it, not only that of Triton's protocol.
//
// Threads: immutable.
#pragma once

#include <optional>
#include <utility>

#include "wire/http/message.h"
#include "wire/http/uri.h"
#include "wire/kserve/restricted_apis.h"

namespace sarai::instance {

// Nothing for paths that are not there, and for /metrics.
std::optional<kserve::ApiCategory> HttpCategoryOf(const http::Target& target);

class HttpRestrictions {
 public:
  HttpRestrictions() = default;  // restricts nothing
  explicit HttpRestrictions(kserve::RestrictedApis apis) : apis_(std::move(apis)) {}

  // The answer, where the request lacks the header that its path asks for.
  std::optional<http::Response> Refuse(const http::Request& request,
                                       const http::Target& target) const;

 private:
  kserve::RestrictedApis apis_;
};

}  // namespace sarai::instance
