// grpc.health.v1 and grpc.reflection.
#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>

#include "grpc_service.pb.h"
#include "health.pb.h"
#include "reflection.pb.h"
#include "reflection_v1alpha.pb.h"
#include "wire/kserve/grpc_codec.h"
#include "wire/kserve/protobuf_message.h"

namespace sarai::kserve::grpc {
namespace {

namespace reflection = ::grpc::reflection::v1;
using google::protobuf::FileDescriptor;

std::vector<const FileDescriptor*> Files() {
  return {inference::ModelInferRequest::descriptor()->file(),
          ::grpc::health::v1::HealthCheckRequest::descriptor()->file(),
          reflection::ServerReflectionRequest::descriptor()->file(),
          ::grpc::reflection::v1alpha::ServerReflectionRequest::descriptor()->file()};
}

void SetError(reflection::ServerReflectionResponse& response, int code, std::string message) {
  response.mutable_error_response()->set_error_code(code);
  response.mutable_error_response()->set_error_message(std::move(message));
}

void SetFile(const FileDescriptor* file, const std::string& asked,
             reflection::ServerReflectionResponse& response) {
  if (file == nullptr) return SetError(response, 5, "there is no '" + asked + "'");
  auto& files = *response.mutable_file_descriptor_response();
  const auto add = [&files](const FileDescriptor& one) {
    google::protobuf::FileDescriptorProto proto;
    one.CopyTo(&proto);
    files.add_file_descriptor_proto(proto.SerializeAsString());
  };
  add(*file);
  for (int i = 0; i < file->dependency_count(); ++i) add(*file->dependency(i));
}

void ListServices(reflection::ServerReflectionResponse& response) {
  auto& list = *response.mutable_list_services_response();
  for (const FileDescriptor* const file : Files())
    for (int i = 0; i < file->service_count(); ++i)
      list.add_service()->set_name(file->service(i)->full_name());
}

}  // namespace

Result<std::string> ParseHealthCheck(const Blob& message) {
  SARAI_TRY(auto request, Parse<::grpc::health::v1::HealthCheckRequest>(message));
  return request.service();
}

Blob EncodeHealth(int serving_status) {
  ::grpc::health::v1::HealthCheckResponse response;
  response.set_status(
      static_cast<::grpc::health::v1::HealthCheckResponse::ServingStatus>(serving_status));
  return Blob::FromString(response.SerializeAsString());
}

Result<Blob> AnswerReflection(const Blob& message) {
  SARAI_TRY(const auto request, Parse<reflection::ServerReflectionRequest>(message));
  const auto& pool = *google::protobuf::DescriptorPool::generated_pool();
  reflection::ServerReflectionResponse response;
  response.set_valid_host(request.host());
  *response.mutable_original_request() = request;
  switch (request.message_request_case()) {
    case request.kListServices: ListServices(response); break;
    case request.kFileByFilename:
      SetFile(pool.FindFileByName(request.file_by_filename()), request.file_by_filename(),
              response);
      break;
    case request.kFileContainingSymbol:
      SetFile(pool.FindFileContainingSymbol(request.file_containing_symbol()),
              request.file_containing_symbol(), response);
      break;
    default: SetError(response, 12, "there are no extensions here");
  }
  return Blob::FromString(response.SerializeAsString());
}

}  // namespace sarai::kserve::grpc
