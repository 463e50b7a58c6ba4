// A table of routes: method and path pattern -> a value that the front end acts on, usually an enum
// or a member function. Built once, then read from any thread.
//
//   Router<Call> router;
//   router.Add("GET", "/v2/models/stats", Call::kAllStats);
//   router.Add("POST", "/v2/models/{model}/versions/{version}/infer", Call::kInfer);
//
// A capture takes exactly one segment and is never empty. The route added first wins, so literals
// go before captures. Invariant: a path that some route has, but not with this method, is "method
// not allowed" and comes with the methods that are.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sarai::http {

struct Captures {
  std::vector<std::pair<std::string_view, std::string_view>> values;  // views into the segments

  std::string_view Get(std::string_view name) const;  // a null view when there is none
};

// Segments of a route's pattern; "{name}" is a capture.
std::vector<std::string> ParsePattern(std::string_view pattern);
std::optional<Captures> MatchPattern(std::span<const std::string> pattern,
                                     std::span<const std::string> segments);

template <typename Value>
class Router {
 public:
  struct Match {
    const Value* value = nullptr;  // null: not found, or not with this method
    Captures captures;             // names point into the router, values into the segments
    std::string allowed;           // "GET, POST" where only the method is wrong: 405; else empty
  };

  void Add(std::string method, std::string_view pattern, Value value) {
    routes_.push_back({std::move(method), ParsePattern(pattern), std::move(value)});
  }

  // `segments` as ParseTarget gives them; they must outlive the match.
  Match Find(std::string_view method, std::span<const std::string> segments) const {
    Match match;
    for (const Route& route : routes_) {
      auto captures = MatchPattern(route.pattern, segments);
      if (!captures) continue;
      if (route.method == method) return {&route.value, std::move(*captures), {}};
      match.allowed += (match.allowed.empty() ? "" : ", ") + route.method;
    }
    return match;
  }

 private:
  struct Route {
    std::string method;
    std::vector<std::string> pattern;
    Value value;
  };
  std::vector<Route> routes_;
};

}  // namespace sarai::http
