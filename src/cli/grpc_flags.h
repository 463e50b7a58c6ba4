// The flags of gRPC of `sarai instance` and `sarai serve`, named as Triton's.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"
#include "net/grpc/server.h"

namespace CLI {
class App;
}

namespace sarai::cli {

struct GrpcFlags {
  bool allow = true;
  net::GrpcServerOptions server;  // complete after ApplyGrpcFlags
  std::vector<std::string> restrictions;
  std::string header_pattern;
  bool use_ssl = false, use_mutual_ssl = false;
  std::string certificate, key, authority;
  int64_t keepalive_time_ms = 7'200'000, keepalive_timeout_ms = 20'000;
  int64_t min_ping_interval_ms = 300'000;
  int64_t connection_age_ms = 0, connection_age_grace_ms = 0;
};

void AddGrpcFlags(CLI::App& app, GrpcFlags& flags);
// Completes `flags.server`. Errors: kInvalidArgument, for SSL without its files.
Status ApplyGrpcFlags(GrpcFlags& flags);

}  // namespace sarai::cli
