// Over gRPC: KServe's ModelInfer.
#include <algorithm>
#include <future>
#include <utility>

#include <grpc_service.pb.h>

#include "loadgen/target.h"
#include "net/grpc/channel.h"
#include "wire/kserve/grpc_codec.h"
#include "wire/mme/mme.h"

namespace sarai::loadgen {
namespace {

constexpr std::string_view kService = "/inference.GRPCInferenceService/";

Reply ReplyOf(uint64_t bytes, const net::GrpcStatus& status, const net::GrpcMetadata& trailing) {
  Reply reply{.warmth = ReadWarmth(trailing.Get(mme::kModelStateHeader)), .bytes = bytes};
  if (status.ok()) return reply;
  constexpr int kDeadlineExceeded = 4;
  reply.error =
      status.code == kDeadlineExceeded ? "timeout" : "gRPC " + std::to_string(status.code);
  reply.detail = status.message.substr(0, 300);
  return reply;
}

// Calls share a connection in gRPC, and at some number of them it is what they wait for.
int Connections(const TargetOptions& options, size_t max_outstanding) {
  constexpr size_t kCallsEach = 8, kMost = 32;
  if (options.connections > 0) return static_cast<int>(options.connections);
  return static_cast<int>(std::clamp<size_t>(max_outstanding / kCallsEach, 1, kMost));
}

class GrpcTarget final : public Target {
 public:
  GrpcTarget(const TargetOptions& options, size_t max_outstanding, const Clock& clock)
      : options_(options),
        clock_(clock),
        channels_(net::MakeGrpcChannels({.threads = options.threads,
                                         .connections = Connections(options, max_outstanding),
                                         .tls = options.tls,
                                         .authority_file = options.authority_file,
                                         .certificate_file = options.certificate_file,
                                         .key_file = options.key_file})) {
    for (const auto& [name, value] : options.headers) metadata_.Add(name, value);
  }

  Result<std::vector<std::string>> ReadIndex() override;
  Result<Signature> ReadSignature(const std::string& model) override;
  Status Prepare(const std::vector<std::string>& models, const PayloadOptions& payload,
                 const InferRequest& request) override;
  uint64_t request_bytes() const override;
  std::string Describe() const override {
    return options_.address + ", KServe over gRPC" + (options_.tls ? " with TLS" : "");
  }
  void Send(size_t model, OnReply done) override;

 private:
  Result<std::string> Ask(const std::string& method, const std::string& message);

  const TargetOptions options_;
  const Clock& clock_;
  net::GrpcMetadata metadata_;
  // Constant after Prepare. A message is a model's name and what is the same for all.
  std::vector<Blob> names_;
  std::vector<Blob> rest_;
  const std::unique_ptr<net::GrpcChannels> channels_;
};

Result<std::string> GrpcTarget::Ask(const std::string& method, const std::string& message) {
  std::promise<Result<std::string>> promise;
  channels_->Ask(
      options_.address, std::string(kService) + method, metadata_, clock_.Now() + options_.timeout,
      {Blob::FromString(message)},
      [&](const net::GrpcStatus& status, const Blob& reply, const net::GrpcMetadata&) {
        if (status.ok()) return promise.set_value(std::string(reply.text()));
        promise.set_value(Error(Code::kUnavailable, "{} of {} ended with gRPC status {}: {}",
                                method, options_.address, status.code, status.message));
      });
  return promise.get_future().get();
}

Result<std::vector<std::string>> GrpcTarget::ReadIndex() {
  SARAI_TRY(const std::string bytes, Ask("RepositoryIndex", ""));
  inference::RepositoryIndexResponse index;
  if (!index.ParseFromString(bytes))
    return Error(Code::kInvalidArgument, "{}'s repository index cannot be read", options_.address);
  std::vector<std::string> names;
  for (const auto& model : index.models())
    if (names.empty() || names.back() != model.name()) names.push_back(model.name());
  return names;
}

Result<Signature> GrpcTarget::ReadSignature(const std::string& model) {
  inference::ModelMetadataRequest request;
  request.set_name(model);
  request.set_version(options_.model_version);
  SARAI_TRY(const std::string bytes, Ask("ModelMetadata", request.SerializeAsString()));
  inference::ModelMetadataResponse metadata;
  if (!metadata.ParseFromString(bytes))
    return Error(Code::kInvalidArgument, "the metadata of '{}' cannot be read", model);
  Signature signature;
  for (const auto& input : metadata.inputs()) {
    const auto type = ParseDataTypeName(input.datatype());
    if (!type)
      return Error(Code::kInvalidArgument, "input '{}' is of the unknown type '{}'", input.name(),
                   input.datatype());
    signature.push_back({.name = input.name(),
                         .type = *type,
                         .dims = Shape(input.shape().begin(), input.shape().end())});
  }
  return signature;
}

Status GrpcTarget::Prepare(const std::vector<std::string>& models, const PayloadOptions& payload,
                           const InferRequest& request) {
  if (payload.file.empty()) {
    rest_ = kserve::grpc::EncodeInferRequest(request);
  } else {
    SARAI_TRY(rest_, EncodeGrpc(payload.file));
  }
  for (const std::string& model : models) {
    inference::ModelInferRequest head;
    head.set_model_name(model);
    head.set_model_version(options_.model_version);
    names_.push_back(Blob::FromString(head.SerializeAsString()));
  }
  return {};
}

uint64_t GrpcTarget::request_bytes() const {
  uint64_t bytes = 0;
  for (const Blob& part : rest_) bytes += part.size();
  return bytes;
}

void GrpcTarget::Send(size_t model, OnReply done) {
  static const std::string kMethod = std::string(kService) + "ModelInfer";
  net::GrpcMessage message;
  message.reserve(rest_.size() + 1);
  message.push_back(names_[model]);
  message.insert(message.end(), rest_.begin(), rest_.end());
  channels_->Ask(options_.address, kMethod, metadata_, clock_.Now() + options_.timeout, message,
                 [done = std::move(done)](const net::GrpcStatus& status, const Blob& reply,
                                          const net::GrpcMetadata& trailing) mutable {
                   done(ReplyOf(reply.size(), status, trailing));
                 });
}

}  // namespace

std::unique_ptr<Target> MakeGrpcTarget(const TargetOptions& options, size_t max_outstanding,
                                       const Clock& clock) {
  return std::make_unique<GrpcTarget>(options, max_outstanding, clock);
}

}  // namespace sarai::loadgen
