// The management messages, health and reflection, against protobuf's own library.
#include <gmock/gmock.h>
#include <google/protobuf/descriptor.pb.h>
#include <gtest/gtest.h>

#include "grpc_service.pb.h"
#include "health.pb.h"
#include "reflection.pb.h"
#include "wire/kserve/grpc_codec.h"

namespace sarai::kserve::grpc {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Blob Bytes(const google::protobuf::Message& message) {
  return Blob::FromString(message.SerializeAsString());
}

template <typename Message>
Message Read(const Blob& blob) {
  Message message;
  EXPECT_TRUE(message.ParseFromArray(blob.data(), static_cast<int>(blob.size())));
  EXPECT_TRUE(message.GetReflection()->GetUnknownFields(message).empty());
  return message;
}

TEST(GrpcManagement, ReadsModelNames) {
  inference::ModelMetadataRequest request;
  request.set_name("m");
  request.set_version("2");
  const auto name = ParseModelName(Bytes(request));
  ASSERT_TRUE(name);
  EXPECT_EQ(name->name, "m");
  EXPECT_EQ(name->version, "2");
  request.set_version("two");
  EXPECT_THAT(ParseModelName(Bytes(request)).error().message(), HasSubstr("'two'"));
  EXPECT_THAT(ParseModelName(Blob::FromString("\xFF")).error().message(), HasSubstr("not a valid"));
}

TEST(GrpcManagement, ReadsLoadsWithConfigurationAndFiles) {
  inference::RepositoryModelLoadRequest request;
  request.set_model_name("m");
  (*request.mutable_parameters())["config"].set_string_param("{}");
  (*request.mutable_parameters())["file:1/model.onnx"].set_bytes_param(std::string("a\0b", 3));
  const auto load = ParseLoadRequest(Bytes(request), 100);
  ASSERT_TRUE(load);
  EXPECT_EQ(load->model, "m");
  EXPECT_EQ(load->load.config_json, "{}");
  EXPECT_EQ(load->load.files.at("1/model.onnx").text(), std::string_view("a\0b", 3));

  EXPECT_THAT(ParseLoadRequest(Bytes(request), 2).error().message(), HasSubstr("2 bytes"));
  auto other = request;
  (*other.mutable_parameters())["config"].set_int64_param(1);
  EXPECT_THAT(ParseLoadRequest(Bytes(other), 100).error().message(), HasSubstr("'config'"));
  other = request;
  (*other.mutable_parameters())["unknown"].set_int64_param(1);
  EXPECT_THAT(ParseLoadRequest(Bytes(other), 100).error().message(), HasSubstr("'unknown'"));
  other = request;
  other.set_repository_name("r");
  EXPECT_EQ(ParseLoadRequest(Bytes(other), 100).error().code(), Code::kUnimplemented);
}

TEST(GrpcManagement, ReadsUnloadsAndIndexes) {
  inference::RepositoryModelUnloadRequest unload;
  unload.set_model_name("m");
  EXPECT_FALSE(ParseUnloadRequest(Bytes(unload))->unload.unload_dependents);
  (*unload.mutable_parameters())["unload_dependents"].set_bool_param(true);
  EXPECT_TRUE(ParseUnloadRequest(Bytes(unload))->unload.unload_dependents);
  (*unload.mutable_parameters())["unload_dependents"].set_string_param("yes");
  EXPECT_THAT(ParseUnloadRequest(Bytes(unload)).error().message(), HasSubstr("bool_param"));
  inference::RepositoryIndexRequest index;
  index.set_ready(true);
  EXPECT_TRUE(ParseIndexRequest(Bytes(index)).value());
  index.set_repository_name("r");
  EXPECT_EQ(ParseIndexRequest(Bytes(index)).error().code(), Code::kUnimplemented);
}

TEST(GrpcManagement, ReadsAndWritesSharedMemory) {
  inference::SystemSharedMemoryRegisterRequest request;
  request.set_name("r");
  request.set_key("/k");
  request.set_offset(8);
  request.set_byte_size(64);
  const auto region = ParseSystemRegister(Bytes(request));
  ASSERT_TRUE(region);
  const auto status = Read<inference::SystemSharedMemoryStatusResponse>(
      grpc::EncodeRegions(std::vector<SystemRegion>{*region}));
  EXPECT_EQ(status.regions().at("r").key(), "/k");
  EXPECT_EQ(status.regions().at("r").offset(), 8u);
  EXPECT_EQ(status.regions().at("r").byte_size(), 64u);

  inference::CudaSharedMemoryRegisterRequest cuda;
  cuda.set_name("c");
  cuda.set_raw_handle(std::string(64, '\0'));
  cuda.set_device_id(1);
  EXPECT_EQ(ParseCudaRegister(Bytes(cuda))->raw_handle.size(), 64u);
  const auto devices = Read<inference::CudaSharedMemoryStatusResponse>(
      grpc::EncodeRegions(std::vector<CudaRegion>{*ParseCudaRegister(Bytes(cuda))}));
  EXPECT_EQ(devices.regions().at("c").device_id(), 1u);
  inference::CudaSharedMemoryUnregisterRequest name;
  name.set_name("c");
  EXPECT_EQ(ParseRegionName(Bytes(name)).value(), "c");
}

TEST(GrpcManagement, ReadsAndWritesSettings) {
  inference::TraceSettingRequest trace;
  trace.set_model_name("m");
  (*trace.mutable_settings())["trace_level"].add_value("TIMESTAMPS");
  (*trace.mutable_settings())["trace_rate"];  // reset
  const auto traced = ParseTraceSettings(Bytes(trace));
  ASSERT_TRUE(traced);
  EXPECT_EQ(traced->model, "m");
  EXPECT_THAT(traced->settings.at("trace_level"), ElementsAre("TIMESTAMPS"));
  EXPECT_TRUE(traced->settings.at("trace_rate").empty());
  const auto told = Read<inference::TraceSettingResponse>(EncodeTraceSettings(traced->settings));
  EXPECT_EQ(told.settings().at("trace_level").value(0), "TIMESTAMPS");

  inference::LogSettingsRequest log;
  (*log.mutable_settings())["log_info"].set_bool_param(true);
  (*log.mutable_settings())["log_verbose_level"].set_uint32_param(2);
  (*log.mutable_settings())["log_format"].set_string_param("default");
  const auto logged = ParseLogSettings(Bytes(log));
  ASSERT_TRUE(logged);
  const auto answered = Read<inference::LogSettingsResponse>(EncodeLogSettings(*logged));
  EXPECT_TRUE(answered.settings().at("log_info").bool_param());
  EXPECT_EQ(answered.settings().at("log_verbose_level").uint32_param(), 2u);
  EXPECT_EQ(answered.settings().at("log_format").string_param(), "default");
  (*log.mutable_settings())["log_file"];
  EXPECT_THAT(ParseLogSettings(Bytes(log)).error().message(), HasSubstr("'log_file'"));
}

TEST(GrpcManagement, WritesMetadataConfigurationAndIndex) {
  EXPECT_TRUE(Read<inference::ServerLiveResponse>(EncodeFlag(true)).live());
  const auto server = Read<inference::ServerMetadataResponse>(
      EncodeServerMetadata({.name = "s", .version = "1", .extensions = {"a", "b"}}));
  EXPECT_THAT(server.extensions(), ElementsAre("a", "b"));

  ModelSpec spec{.name = "m", .backend = "onnxruntime", .max_batch_size = 4};
  spec.inputs = {{.name = "x", .type = DataType::kFp32, .dims = {3}}};
  const auto metadata =
      Read<inference::ModelMetadataResponse>(EncodeModelMetadata(spec, {"1", "2"}));
  EXPECT_EQ(metadata.platform(), "onnxruntime");
  EXPECT_THAT(metadata.versions(), ElementsAre("1", "2"));
  EXPECT_THAT(metadata.inputs(0).shape(), ElementsAre(-1, 3));

  const auto config = EncodeModelConfig(R"({"name":"m","max_batch_size":4,"new_field":1})");
  ASSERT_TRUE(config);
  EXPECT_EQ(Read<inference::ModelConfigResponse>(*config).config().max_batch_size(), 4);
  EXPECT_FALSE(EncodeModelConfig("no"));

  const auto index = Read<inference::RepositoryIndexResponse>(
      EncodeRepositoryIndex({{.name = "m", .version = "1", .state = "READY"}, {.name = "n"}}));
  EXPECT_EQ(index.models(0).state(), "READY");
  EXPECT_EQ(index.models(1).name(), "n");
}

TEST(GrpcManagement, WritesStatistics) {
  ModelStatistics model{.name = "m", .version = "1", .last_inference_ms = 5, .inference_count = 6};
  model.queue = {.count = 2, .ns = 3};
  model.batches = {{.batch_size = 4, .compute_infer = {.count = 1, .ns = 9}}};
  model.responses.resize(2);
  model.responses[1].empty_response = {.count = 1, .ns = 8};
  model.memory = {{.type = "CPU", .id = 0, .byte_size = 10}};
  const auto stats =
      Read<inference::ModelStatisticsResponse>(grpc::EncodeStatistics(std::vector{model}));
  const auto& told = stats.model_stats(0);
  EXPECT_EQ(told.last_inference(), 5u);
  EXPECT_EQ(told.inference_count(), 6u);
  EXPECT_EQ(told.inference_stats().queue().ns(), 3u);
  EXPECT_EQ(told.batch_stats(0).compute_infer().ns(), 9u);
  EXPECT_EQ(told.response_stats().at("1").empty_response().ns(), 8u);
  EXPECT_EQ(told.memory_usage(0).byte_size(), 10u);
}

TEST(GrpcManagement, MapsCodes) {
  EXPECT_EQ(GrpcCode(Code::kCancelled), 1);
  EXPECT_EQ(GrpcCode(Code::kInvalidArgument), 3);
  EXPECT_EQ(GrpcCode(Code::kNotFound), 5);
  EXPECT_EQ(GrpcCode(Code::kAlreadyExists), 6);
  EXPECT_EQ(GrpcCode(Code::kUnimplemented), 12);
  EXPECT_EQ(GrpcCode(Code::kInternal), 13);
  EXPECT_EQ(GrpcCode(Code::kUnavailable), 14);
}

TEST(GrpcHealth, IsReadAndWritten) {
  ::grpc::health::v1::HealthCheckRequest request;
  request.set_service("s");
  EXPECT_EQ(ParseHealthCheck(Bytes(request)).value(), "s");
  using Answer = ::grpc::health::v1::HealthCheckResponse;
  EXPECT_EQ(Read<Answer>(EncodeHealth(1)).status(), Answer::SERVING);
}

using ReflectionRequest = ::grpc::reflection::v1::ServerReflectionRequest;
using ReflectionResponse = ::grpc::reflection::v1::ServerReflectionResponse;

ReflectionResponse Reflect(const ReflectionRequest& request) {
  const auto answer = AnswerReflection(Bytes(request));
  EXPECT_TRUE(answer);
  return answer ? Read<ReflectionResponse>(*answer) : ReflectionResponse();
}

TEST(GrpcReflection, ListsServices) {
  ReflectionRequest request;
  request.set_list_services("*");
  std::vector<std::string> names;
  const ReflectionResponse services = Reflect(request);
  for (const auto& service : services.list_services_response().service())
    names.push_back(service.name());
  EXPECT_THAT(names, ElementsAre("inference.GRPCInferenceService", "grpc.health.v1.Health",
                                 "grpc.reflection.v1.ServerReflection",
                                 "grpc.reflection.v1alpha.ServerReflection"));
}

TEST(GrpcReflection, GivesFilesWithWhatTheyImport) {
  ReflectionRequest request;
  request.set_file_containing_symbol("inference.GRPCInferenceService.ModelInfer");
  std::vector<std::string> names;
  const ReflectionResponse answer = Reflect(request);
  for (const std::string& bytes : answer.file_descriptor_response().file_descriptor_proto()) {
    google::protobuf::FileDescriptorProto file;
    ASSERT_TRUE(file.ParseFromString(bytes));
    names.push_back(file.name());
  }
  EXPECT_THAT(names, ElementsAre("grpc_service.proto", "model_config.proto"));
  request.set_file_by_filename("model_config.proto");
  EXPECT_EQ(Reflect(request).file_descriptor_response().file_descriptor_proto_size(), 1);
}

TEST(GrpcReflection, SaysWhatIsNotThere) {
  ReflectionRequest request;
  request.set_file_containing_symbol("no.Such");
  EXPECT_EQ(Reflect(request).error_response().error_code(), 5);
  request.set_file_by_filename("no.proto");
  EXPECT_EQ(Reflect(request).error_response().error_code(), 5);
  EXPECT_FALSE(AnswerReflection(Blob::FromString("\xFF")));
}

}  // namespace
}  // namespace sarai::kserve::grpc
