// Everything but inference, health and reflection: generated messages <-> values.
#include <google/protobuf/util/json_util.h>

#include "grpc_service.pb.h"
#include "wire/json/text.h"
#include "wire/kserve/grpc_codec.h"
#include "wire/kserve/grpc_parameters.h"
#include "wire/kserve/protobuf_message.h"

namespace sarai::kserve::grpc {
namespace {

Blob Encode(const google::protobuf::Message& message) {
  return Blob::FromString(message.SerializeAsString());
}

Status RefuseRepository(const std::string& name) {
  if (name.empty()) return {};
  return MakeStatus(Code::kUnimplemented,
                    "'repository_name' specification is not supported, got: {}", name);
}

void AddTensor(inference::ModelMetadataResponse::TensorMetadata& out, const TensorSpec& tensor,
               bool batched) {
  out.set_name(tensor.name);
  out.set_datatype(std::string(DataTypeName(tensor.type)));
  if (batched) out.add_shape(-1);
  for (const int64_t dim : tensor.dims) out.add_shape(dim);
}

void Set(inference::StatisticDuration& out, const StatisticDuration& duration) {
  out.set_count(duration.count);
  out.set_ns(duration.ns);
}

void Set(inference::InferStatistics& out, const ModelStatistics& model) {
  Set(*out.mutable_success(), model.success);
  Set(*out.mutable_fail(), model.fail);
  Set(*out.mutable_queue(), model.queue);
  Set(*out.mutable_compute_input(), model.compute_input);
  Set(*out.mutable_compute_infer(), model.compute_infer);
  Set(*out.mutable_compute_output(), model.compute_output);
  Set(*out.mutable_cache_hit(), model.cache_hit);
  Set(*out.mutable_cache_miss(), model.cache_miss);
}

void Set(inference::InferResponseStatistics& out, const ResponseStatistics& response) {
  Set(*out.mutable_compute_infer(), response.compute_infer);
  Set(*out.mutable_compute_output(), response.compute_output);
  Set(*out.mutable_success(), response.success);
  Set(*out.mutable_fail(), response.fail);
  Set(*out.mutable_empty_response(), response.empty_response);
  Set(*out.mutable_cancel(), response.cancel);
}

void Set(inference::ModelStatistics& out, const ModelStatistics& model) {
  out.set_name(model.name);
  out.set_version(model.version);
  out.set_last_inference(model.last_inference_ms);
  out.set_inference_count(model.inference_count);
  out.set_execution_count(model.execution_count);
  Set(*out.mutable_inference_stats(), model);
  for (const BatchStatistics& batch : model.batches) {
    auto& stats = *out.add_batch_stats();
    stats.set_batch_size(batch.batch_size);
    Set(*stats.mutable_compute_input(), batch.compute_input);
    Set(*stats.mutable_compute_infer(), batch.compute_infer);
    Set(*stats.mutable_compute_output(), batch.compute_output);
  }
  for (const MemoryUsage& memory : model.memory) {
    auto& usage = *out.add_memory_usage();
    usage.set_type(memory.type);
    usage.set_id(memory.id);
    usage.set_byte_size(memory.byte_size);
  }
  for (size_t i = 0; i < model.responses.size(); ++i)
    Set((*out.mutable_response_stats())[std::to_string(i)], model.responses[i]);
}

// "1/model.onnx" of "file:1/model.onnx".
Status AddFile(std::string_view key, const std::string& bytes, uint64_t max_file_bytes,
               uint64_t& total, LoadRequest& load) {
  total += bytes.size();
  if (total > max_file_bytes)
    return MakeStatus(Code::kInvalidArgument, "the files take more than the {} bytes allowed",
                      max_file_bytes);
  load.files.emplace(key.substr(std::string_view("file:").size()), Blob::FromString(bytes));
  return {};
}

}  // namespace

int GrpcCode(Code code) {
  switch (code) {
    case Code::kNotFound: return 5;
    case Code::kUnavailable: return 14;
    case Code::kUnimplemented: return 12;
    case Code::kAlreadyExists: return 6;
    case Code::kCancelled: return 1;
    case Code::kInternal: return 13;
    case Code::kDeadlineExceeded: return 4;
    case Code::kResourceExhausted: return 8;
    default: return 3;
  }
}

// ---- requests

// The messages with a name and a version are alike.
Result<ModelName> ParseModelName(const Blob& message) {
  SARAI_TRY(auto request, Parse<inference::ModelReadyRequest>(message));
  SARAI_CHECK_OK(CheckVersion(request.version()));
  return ModelName{.name = request.name(), .version = request.version()};
}

Result<bool> ParseIndexRequest(const Blob& message) {
  SARAI_TRY(auto request, Parse<inference::RepositoryIndexRequest>(message));
  SARAI_CHECK_OK(RefuseRepository(request.repository_name()));
  return request.ready();
}

Result<NamedLoadRequest> ParseLoadRequest(const Blob& message, uint64_t max_file_bytes) {
  SARAI_TRY(auto request, Parse<inference::RepositoryModelLoadRequest>(message));
  SARAI_CHECK_OK(RefuseRepository(request.repository_name()));
  NamedLoadRequest named{.model = request.model_name()};
  uint64_t total = 0;
  for (const auto& [key, value] : request.parameters()) {
    if (key == "config" && value.parameter_choice_case() == value.kStringParam) {
      named.load.config_json = value.string_param();
    } else if (key.starts_with("file:") && value.parameter_choice_case() == value.kBytesParam) {
      SARAI_CHECK_OK(AddFile(key, value.bytes_param(), max_file_bytes, total, named.load));
    } else {
      return Error(
          Code::kInvalidArgument,
          "parameter '{}': only config (string_param) and file:PATH (bytes_param) are known", key);
    }
  }
  return named;
}

Result<NamedUnloadRequest> ParseUnloadRequest(const Blob& message) {
  SARAI_TRY(auto request, Parse<inference::RepositoryModelUnloadRequest>(message));
  SARAI_CHECK_OK(RefuseRepository(request.repository_name()));
  NamedUnloadRequest named{.model = request.model_name()};
  for (const auto& [key, value] : request.parameters()) {
    if (key != "unload_dependents") continue;
    if (value.parameter_choice_case() != value.kBoolParam)
      return Error(Code::kInvalidArgument, "parameter '{}' must be a bool_param", key);
    named.unload.unload_dependents = value.bool_param();
  }
  return named;
}

Result<std::string> ParseRegionName(const Blob& message) {
  SARAI_TRY(auto request, Parse<inference::SystemSharedMemoryStatusRequest>(message));
  return request.name();
}

Result<SystemRegion> ParseSystemRegister(const Blob& message) {
  SARAI_TRY(auto request, Parse<inference::SystemSharedMemoryRegisterRequest>(message));
  return SystemRegion{.name = request.name(),
                      .key = request.key(),
                      .offset = request.offset(),
                      .byte_size = request.byte_size()};
}

Result<CudaRegion> ParseCudaRegister(const Blob& message) {
  SARAI_TRY(auto request, Parse<inference::CudaSharedMemoryRegisterRequest>(message));
  return CudaRegion{.name = request.name(),
                    .raw_handle = request.raw_handle(),
                    .device_id = request.device_id(),
                    .byte_size = request.byte_size()};
}

Result<NamedTraceSettings> ParseTraceSettings(const Blob& message) {
  SARAI_TRY(auto request, Parse<inference::TraceSettingRequest>(message));
  NamedTraceSettings named{.model = request.model_name()};
  for (const auto& [key, setting] : request.settings())
    named.settings[key].assign(setting.value().begin(), setting.value().end());
  return named;
}

Result<LogSettings> ParseLogSettings(const Blob& message) {
  SARAI_TRY(auto request, Parse<inference::LogSettingsRequest>(message));
  using Value = inference::LogSettingsRequest::SettingValue;
  LogSettings settings;
  for (const auto& [key, value] : request.settings()) {
    switch (value.parameter_choice_case()) {
      case Value::kBoolParam: settings[key] = value.bool_param(); break;
      case Value::kUint32Param: settings[key] = value.uint32_param(); break;
      case Value::kStringParam: settings[key] = value.string_param(); break;
      default: return Error(Code::kInvalidArgument, "setting '{}' has no value", key);
    }
  }
  return settings;
}

// ---- responses

Blob EncodeFlag(bool value) {
  inference::ServerReadyResponse response;
  response.set_ready(value);
  return Encode(response);
}

Blob EncodeServerMetadata(const ServerMetadata& metadata) {
  inference::ServerMetadataResponse response;
  response.set_name(metadata.name);
  response.set_version(metadata.version);
  for (const std::string& extension : metadata.extensions) response.add_extensions(extension);
  return Encode(response);
}

Blob EncodeModelMetadata(const ModelSpec& spec, const std::vector<std::string>& versions) {
  inference::ModelMetadataResponse response;
  const bool batched = spec.max_batch_size > 0;
  response.set_name(spec.name);
  response.set_platform(spec.platform.empty() ? spec.backend : spec.platform);
  for (const std::string& version : versions) response.add_versions(version);
  for (const TensorSpec& tensor : spec.inputs) AddTensor(*response.add_inputs(), tensor, batched);
  for (const TensorSpec& tensor : spec.outputs) AddTensor(*response.add_outputs(), tensor, batched);
  return Encode(response);
}

Result<Blob> EncodeModelConfig(const std::string& config_json) {
  inference::ModelConfigResponse response;
  google::protobuf::util::JsonParseOptions options;
  options.ignore_unknown_fields = true;
  const auto status =
      google::protobuf::util::JsonStringToMessage(config_json, response.mutable_config(), options);
  if (!status.ok())
    return Error(Code::kInternal, "the configuration cannot be told: {}", status.ToString());
  return Encode(response);
}

Blob EncodeStatistics(const std::vector<ModelStatistics>& models) {
  inference::ModelStatisticsResponse response;
  for (const ModelStatistics& model : models) Set(*response.add_model_stats(), model);
  return Encode(response);
}

Blob EncodeRepositoryIndex(const std::vector<IndexEntry>& entries) {
  inference::RepositoryIndexResponse response;
  for (const IndexEntry& entry : entries) {
    auto& model = *response.add_models();
    model.set_name(entry.name);
    model.set_version(entry.version);
    model.set_state(entry.state);
    model.set_reason(json::ToValidUtf8(entry.reason));
  }
  return Encode(response);
}

Blob EncodeRegions(const std::vector<SystemRegion>& regions) {
  inference::SystemSharedMemoryStatusResponse response;
  for (const SystemRegion& region : regions) {
    auto& status = (*response.mutable_regions())[region.name];
    status.set_name(region.name);
    status.set_key(region.key);
    status.set_offset(region.offset);
    status.set_byte_size(region.byte_size);
  }
  return Encode(response);
}

Blob EncodeRegions(const std::vector<CudaRegion>& regions) {
  inference::CudaSharedMemoryStatusResponse response;
  for (const CudaRegion& region : regions) {
    auto& status = (*response.mutable_regions())[region.name];
    status.set_name(region.name);
    status.set_device_id(static_cast<uint64_t>(region.device_id));
    status.set_byte_size(region.byte_size);
  }
  return Encode(response);
}

Blob EncodeTraceSettings(const TraceSettings& settings) {
  inference::TraceSettingResponse response;
  for (const auto& [key, values] : settings)
    for (auto& setting = (*response.mutable_settings())[key]; const std::string& value : values)
      setting.add_value(value);
  return Encode(response);
}

Blob EncodeLogSettings(const LogSettings& settings) {
  inference::LogSettingsResponse response;
  for (const auto& [key, value] : settings) {
    auto& setting = (*response.mutable_settings())[key];
    if (const auto* flag = std::get_if<bool>(&value)) setting.set_bool_param(*flag);
    if (const auto* number = std::get_if<uint32_t>(&value)) setting.set_uint32_param(*number);
    if (const auto* text = std::get_if<std::string>(&value)) setting.set_string_param(*text);
  }
  return Encode(response);
}

}  // namespace sarai::kserve::grpc
