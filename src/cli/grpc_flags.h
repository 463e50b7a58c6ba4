// `sarai instance`'s flags of gRPC, named as Triton's.
#pragma once

#include "instance/options.h"

namespace CLI {
class App;
}

namespace sarai::cli {

struct GrpcFlags {
  bool allow = true;
  bool use_ssl = false, use_mutual_ssl = false;
  std::string certificate, key, authority;
  int64_t keepalive_time_ms = 7'200'000, keepalive_timeout_ms = 20'000;
  int64_t min_ping_interval_ms = 300'000;
  int64_t connection_age_ms = 0, connection_age_grace_ms = 0;
};

// What needs no conversion goes to `options` at once.
void AddGrpcFlags(CLI::App& app, GrpcFlags& flags, instance::InstanceOptions& options);
// Errors: kInvalidArgument, for SSL without its files.
Status ApplyGrpcFlags(const GrpcFlags& flags, instance::InstanceOptions& options);

}  // namespace sarai::cli
