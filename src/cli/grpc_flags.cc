#include "cli/grpc_flags.h"

#include <chrono>
#include <map>
#include <string>

#include <CLI/CLI.hpp>

namespace sarai::cli {
namespace {

constexpr uint16_t kDefaultPort = 8001;

const std::map<std::string, net::GrpcCompression> kCompressions = {
    {"none", net::GrpcCompression::kNone},
    {"low", net::GrpcCompression::kLow},
    {"medium", net::GrpcCompression::kMedium},
    {"high", net::GrpcCompression::kHigh}};

void AddServerFlags(CLI::App& app, GrpcFlags& flags) {
  net::GrpcServerOptions& grpc = flags.server;
  grpc.port = kDefaultPort;
  app.add_option("--allow-grpc", flags.allow, "Serve gRPC")->capture_default_str();
  app.add_option("--grpc-address", grpc.address, "Address to listen on for gRPC")
      ->capture_default_str();
  app.add_option("--grpc-port", grpc.port, "0: the kernel picks one")->capture_default_str();
  app.add_option("--reuse-grpc-port", grpc.reuse_port, "Share the port with other processes")
      ->capture_default_str();
  app.add_option("--grpc-infer-thread-count", grpc.threads, "Threads that serve gRPC")
      ->check(CLI::Range(1, 128))
      ->capture_default_str();
  app.add_option("--grpc-max-message-size", grpc.max_message_bytes,
                 "Most bytes of one received message")
      ->check(CLI::Range(uint64_t{1}, uint64_t{INT32_MAX}))
      ->capture_default_str();
  app.add_option("--grpc-infer-response-compression-level", grpc.response_compression,
                 "none, low, medium or high")
      ->transform(CLI::CheckedTransformer(kCompressions, CLI::ignore_case));
  app.add_option("--grpc-restricted-protocol", flags.restrictions,
                 "CATEGORY[,CATEGORY]:KEY=VALUE: asks for metadata triton-grpc-protocol-KEY; may "
                 "be given several times")
      ->type_name("RULE");
  app.add_option("--grpc-header-forward-pattern", flags.header_pattern,
                 "Metadata whose names match become parameters of the inference")
      ->type_name("REGEX");
}

void AddConnectionFlags(CLI::App& app, GrpcFlags& flags) {
  net::GrpcServerOptions& grpc = flags.server;
  const auto milliseconds = [&app](const char* flag, int64_t& value, const char* help) {
    app.add_option(flag, value, help)->check(CLI::NonNegativeNumber)->capture_default_str();
  };
  milliseconds("--grpc-keepalive-time", flags.keepalive_time_ms,
               "Between pings to a silent client, in ms");
  milliseconds("--grpc-keepalive-timeout", flags.keepalive_timeout_ms,
               "Longest wait for a ping's answer, in ms");
  app.add_option("--grpc-keepalive-permit-without-calls", grpc.keepalive_permit_without_calls,
                 "Also while there is no call")
      ->capture_default_str();
  app.add_option("--grpc-http2-max-pings-without-data", grpc.max_pings_without_data,
                 "Pings in a row without data; 0: any number")
      ->capture_default_str();
  milliseconds("--grpc-http2-min-recv-ping-interval-without-data", flags.min_ping_interval_ms,
               "Least time between a client's pings, in ms");
  app.add_option("--grpc-http2-max-ping-strikes", grpc.max_ping_strikes,
                 "Pings that come too early before the connection is closed; 0: any number")
      ->capture_default_str();
  milliseconds("--grpc-max-connection-age", flags.connection_age_ms,
               "Longest life of a connection, in ms; 0: for ever");
  milliseconds("--grpc-max-connection-age-grace", flags.connection_age_grace_ms,
               "What calls get to finish after it, in ms; 0: for ever");
}

void AddSslFlags(CLI::App& app, GrpcFlags& flags) {
  app.add_option("--grpc-use-ssl", flags.use_ssl, "Serve gRPC over TLS")->capture_default_str();
  app.add_option("--grpc-use-ssl-mutual", flags.use_mutual_ssl,
                 "Over TLS, and clients must show a certificate of --grpc-root-cert")
      ->capture_default_str();
  app.add_option("--grpc-server-cert", flags.certificate, "PEM, with its chain")->type_name("FILE");
  app.add_option("--grpc-server-key", flags.key, "PEM")->type_name("FILE");
  app.add_option("--grpc-root-cert", flags.authority, "PEM: who signs clients' certificates")
      ->type_name("FILE");
}

// Triton's pools of prepared calls: there are none here.
void AddFlagsWithoutEffect(CLI::App& app) {
  for (const char* const flag :
       {"--grpc-infer-allocation-pool-size", "--grpc-max-response-pool-size"})
    app.add_option_function<int64_t>(
           flag, [](int64_t) {}, "Accepted, without effect: nothing is pooled")
        ->group("");
}

}  // namespace

void AddGrpcFlags(CLI::App& app, GrpcFlags& flags) {
  AddServerFlags(app, flags);
  AddConnectionFlags(app, flags);
  AddSslFlags(app, flags);
  AddFlagsWithoutEffect(app);
}

Status ApplyGrpcFlags(GrpcFlags& flags) {
  using std::chrono::milliseconds;
  net::GrpcServerOptions& grpc = flags.server;
  grpc.keepalive_time = milliseconds(flags.keepalive_time_ms);
  grpc.keepalive_timeout = milliseconds(flags.keepalive_timeout_ms);
  grpc.min_recv_ping_interval_without_data = milliseconds(flags.min_ping_interval_ms);
  grpc.max_connection_age = milliseconds(flags.connection_age_ms);
  grpc.max_connection_age_grace = milliseconds(flags.connection_age_grace_ms);
  if (!flags.use_ssl && !flags.use_mutual_ssl) return {};
  if (flags.certificate.empty() || flags.key.empty())
    return Status(Code::kInvalidArgument,
                  "--grpc-use-ssl needs --grpc-server-cert and --grpc-server-key");
  if (flags.use_mutual_ssl && flags.authority.empty())
    return Status(Code::kInvalidArgument, "--grpc-use-ssl-mutual needs --grpc-root-cert");
  grpc.tls = {.certificate_file = flags.certificate,
              .key_file = flags.key,
              .client_authority_file = flags.use_mutual_ssl ? flags.authority : ""};
  return {};
}

}  // namespace sarai::cli
