// Every option of the gateway, with its default and unit.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "policy/routing.h"
#include "wire/kserve/restricted_apis.h"

namespace sarai::gateway {

struct KserveOptions {
  kserve::RestrictedApis http_restrictions, grpc_restrictions;
  uint32_t max_stream_requests = 256;  // in flight in one gRPC stream; it is then read no further
  uint64_t max_message_bytes = 256ull << 20;        // of one answer in a stream
  std::chrono::milliseconds gather_timeout{5'000};  // of an answer that all instances are asked for
  size_t max_index_entries = 10'000;                // in one answer; more come in pages
};

struct GatewayOptions {
  std::string account = "123456789012";
  uint64_t max_body_bytes = 6'291'456;  // of InvokeEndpoint, as AWS's service model says
  int64_t max_in_flight = 4096;         // over all endpoints; more are shed with 503
  std::chrono::milliseconds invoke_timeout{60'000};  // of one attempt, waiting for a load included
  // How long a request waits for an instance when none of its variant's answers (restarting).
  std::chrono::milliseconds hold_timeout{15'000};
  size_t max_held = 1024;
  std::chrono::milliseconds feed_wait{5'000};  // long poll of an instance's residency
  std::chrono::milliseconds feed_retry{200};   // after a failed poll
  std::chrono::milliseconds metrics_interval{1'000};
  size_t max_model_series = 1000;  // per-model metric series; further models count as "other"
  // Sequences whose instance is remembered; the longest unused one is forgotten first.
  size_t max_sequences = 65'536;
  policy::RoutingOptions routing;
  KserveOptions kserve;
};

}  // namespace sarai::gateway
