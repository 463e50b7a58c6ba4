#include <grpc_service.pb.h>

#include "base/strings.h"
#include "loadgen/payload.h"
#include "wire/kserve/grpc_codec.h"
#include "wire/kserve/kserve.h"
#include "wire/kserve/protobuf_message.h"

namespace sarai::loadgen {

Result<std::vector<Blob>> EncodeGrpc(const Blob& file) {
  // No message begins like an object.
  if (Trim(file.text()).starts_with('{')) {
    kserve::ParseOptions limits;
    limits.max_json_bytes = PayloadOptions().max_input_bytes;
    const auto request = kserve::ParseInferRequest(file, std::nullopt, limits);
    if (!request) return Error(request.error().WithContext("--input"));
    return kserve::grpc::EncodeInferRequest(*request);
  }
  auto message = kserve::grpc::Parse<inference::ModelInferRequest>(file);
  if (!message)
    return Error(Code::kInvalidArgument,
                 "--input is for gRPC neither a ModelInferRequest nor KServe's request as JSON");
  message->clear_model_name();
  message->clear_model_version();
  return std::vector<Blob>{Blob::FromString(message->SerializeAsString())};
}

}  // namespace sarai::loadgen
