#include "backends/host/remote_model.h"

#include <cstring>
#include <utility>

#include "base/log.h"

namespace sarai::backends::host {
namespace {

// The channel's memory is needed for the next call: all tensors are copied at once, and share the
// copy.
Blob CopyOf(std::span<const std::byte> data) {
  const std::shared_ptr<std::byte[]> copy =
      std::make_shared_for_overwrite<std::byte[]>(data.size());
  if (!data.empty()) std::memcpy(copy.get(), data.data(), data.size());
  return Blob(copy, {copy.get(), data.size()});
}

}  // namespace

Result<std::unique_ptr<RemoteModel>> RemoteModel::Load(std::shared_ptr<HostLife> life,
                                                       const ModelSpec& spec,
                                                       Duration call_timeout) {
  std::unique_ptr<RemoteModel> model(new RemoteModel(std::move(life), spec.name, call_timeout));
  Writer message;
  WriteSpec(message, spec);
  SARAI_CHECK_OK(model->Do({.lane = Lane::kLoad,
                            .kind = CallKind::kLoad,
                            .message = message.bytes(),
                            .doing = "loading '" + spec.name + "'"},
                           [&](Channel::Reply& reply) {
                             model->id_ = reply.message.Number<uint64_t>();
                             model->signature_ = ReadSignature(reply.message);
                             return Status();
                           }));
  return model;
}

RemoteModel::~RemoteModel() {
  if (id_ == 0 || !life_->alive()) return;
  Writer message;
  message.Number(id_);
  const Status unloaded = Do({.lane = Lane::kControl,
                              .kind = CallKind::kUnload,
                              .message = message.bytes(),
                              .doing = "unloading '" + name_ + "'"},
                             nullptr);
  if (!unloaded.ok()) LogWarning("backends", "unloading '{}': {}", name_, unloaded.message());
}

Status RemoteModel::Do(const HostLife::Call& call, const HostLife::ReadReply& read) {
  return life_->Do(call, call_timeout_, [&](Channel::Reply& reply) {
    memory_bytes_.store(reply.model_bytes, std::memory_order_relaxed);
    return read ? read(reply) : Status();
  });
}

Status RemoteModel::Prepare(const ModelSpec& spec) {
  Writer message;
  message.Number(id_);
  WriteSpec(message, spec);
  return Do({.lane = Lane::kLoad,
             .kind = CallKind::kPrepare,
             .message = message.bytes(),
             .doing = "preparing '" + name_ + "'"},
            nullptr);
}

Result<std::vector<Tensor>> RemoteModel::Execute(const std::vector<Tensor>& inputs,
                                                 const ExecuteContext& context) {
  Writer message;
  message.Number(id_);
  message.Each(context.outputs, [&](const std::string& name) { message.Text(name); });
  const size_t data_bytes = WriteTensors(message, inputs);
  std::vector<Tensor> outputs;
  SARAI_CHECK_OK(Do({.lane = Lane::kRun,
                     .kind = CallKind::kExecute,
                     .message = message.bytes(),
                     .tensors = &inputs,
                     .data_bytes = data_bytes,
                     .doing = "executing '" + name_ + "'"},
                    [&](Channel::Reply& reply) {
                      const Blob copy = CopyOf(reply.data);
                      outputs = ReadTensors(reply.message, copy);
                      return Status();
                    }));
  return outputs;
}

}  // namespace sarai::backends::host
