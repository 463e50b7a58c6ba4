#include "instance/fronts.h"

#include <utility>

namespace sarai::instance {
namespace {

constexpr char kServerVersion[] = "0.1.0";

kserve::ServerMetadata ServerMetadataOf(const std::string& name) {
  return {.name = name,
          .version = kServerVersion,
          .extensions = {"classification", "sequence", "model_repository",
                         "model_repository(unload_dependents)", "schedule_policy",
                         "model_configuration", "system_shared_memory", "cuda_shared_memory",
                         "binary_tensor_data", "parameters", "statistics", "trace", "logging"}};
}

}  // namespace

Fronts::Fronts(CoreParts& parts, Health& health)
    : parts_(parts),
      health_(health),
      settings_(parts.manager, parts.observability->tracer(), parts.options.log_file),
      shared_memory_({.allowed = parts.options.allow_client_shared_memory}) {}

Result<std::unique_ptr<Fronts>> Fronts::Open(CoreParts& parts, Health& health) {
  std::unique_ptr<Fronts> fronts(new Fronts(parts, health));
  SARAI_CHECK_OK(fronts->OpenHttp());
  SARAI_CHECK_OK(fronts->OpenGrpc());
  return fronts;
}

std::function<Status()> Fronts::ReadyCheck() {
  return [&health = health_] { return health.Ready(); };
}

MmeFrontOptions Fronts::MmeOptions() {
  return {.instance_id = parts_.options.instance_id,
          .parse = {.max_json_bytes = parts_.options.max_json_bytes},
          .max_body_bytes = parts_.options.max_body_bytes,
          .single_model = parts_.catalog.single_model(),
          .single_model_state = ReadyCheck()};
}

Status Fronts::OpenHttp() {
  SARAI_TRY(auto restrictions, kserve::RestrictedApis::Parse(parts_.options.http_restrictions));
  SARAI_TRY(HeaderForwarding headers, HeaderForwarding::Make(parts_.options.http_header_pattern));
  const kserve::ParseOptions parse{.max_json_bytes = parts_.options.max_json_bytes};
  door_ = std::make_unique<FrontDoor>(
      parts_.manager, parts_.metrics, parts_.triton_metrics, *parts_.observability, settings_,
      shared_memory_, MmeOptions(),
      KserveFrontOptions{.instance_id = parts_.options.instance_id,
                         .server = ServerMetadataOf(parts_.options.server_name),
                         .parse = parse,
                         .headers = std::move(headers),
                         .max_load_file_bytes = parts_.options.max_load_file_bytes,
                         .max_body_bytes = parts_.options.max_body_bytes,
                         .ready = ReadyCheck()},
      AdminFrontParts{.instance_id = parts_.options.instance_id,
                      .manager = parts_.manager,
                      .events = parts_.events,
                      .decisions = parts_.decisions,
                      .status = [this](const Totals& totals) { return health_.Facts(totals); }},
      HttpRestrictions(std::move(restrictions)));
  return {};
}

Status Fronts::OpenGrpc() {
  SARAI_TRY(kserve::RestrictedApis restrictions,
            kserve::RestrictedApis::Parse(parts_.options.grpc_restrictions));
  SARAI_TRY(HeaderForwarding headers, HeaderForwarding::Make(parts_.options.grpc_header_pattern));
  grpc_ = std::make_unique<GrpcFront>(
      parts_.manager, shared_memory_,
      GrpcFrontOptions{.server = ServerMetadataOf(parts_.options.server_name),
                       .parse = {.max_json_bytes = parts_.options.max_json_bytes},
                       .restrictions = std::move(restrictions),
                       .headers = std::move(headers),
                       .max_load_file_bytes = parts_.options.max_load_file_bytes,
                       .max_stream_requests = parts_.options.grpc_max_stream_requests,
                       .settings = &settings_,
                       .ready = ReadyCheck()});
  return {};
}

}  // namespace sarai::instance
