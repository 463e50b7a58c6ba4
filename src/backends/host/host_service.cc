#include "backends/host/host_service.h"

#include <string>
#include <utility>

namespace sarai::backends::host {
namespace {

std::unexpected<Status> Nonsense() {
  return Error(Code::kInternal, "the backend host got a call that makes no sense");
}

}  // namespace

Result<Answer> HostService::Handle(CallKind kind, Reader& message,
                                   std::span<const std::byte> data) {
  if (!backend_) return Error(backend_.error());
  switch (kind) {
    case CallKind::kHello: return Hello();
    case CallKind::kLoad: return Load(message);
    case CallKind::kPrepare: return Prepare(message);
    case CallKind::kExecute: return Execute(message, data);
    case CallKind::kUnload: return Unload(message);
    case CallKind::kTrim: (*backend_)->ReleaseMemory(); return Answer{};
  }
  return Nonsense();
}

Result<Answer> HostService::Hello() const {
  Answer answer;
  answer.message.Text((*backend_)->runtime_version());
  return answer;
}

Result<Answer> HostService::Load(Reader& message) {
  const ModelSpec spec = ReadSpec(message);
  if (!message.ok()) return Nonsense();
  SARAI_TRY(std::shared_ptr<BackendModel> model, (*backend_)->Load(spec));
  Answer answer;
  {
    const std::lock_guard lock(mu_);
    models_[++last_id_] = model;
    answer.message.Number(last_id_);
  }
  WriteSignature(answer.message, model->signature());
  answer.model = std::move(model);
  return answer;
}

Result<Answer> HostService::Prepare(Reader& message) const {
  SARAI_TRY(auto model, Find(message.Number<uint64_t>()));
  const ModelSpec spec = ReadSpec(message);
  if (!message.ok()) return Nonsense();
  SARAI_CHECK_OK(model->Prepare(spec));
  return Answer{.model = std::move(model)};
}

Result<Answer> HostService::Execute(Reader& message, std::span<const std::byte> data) const {
  SARAI_TRY(auto model, Find(message.Number<uint64_t>()));
  ExecuteContext context;
  message.Each([&] { context.outputs.push_back(message.Text()); });
  const std::vector<Tensor> inputs = ReadTensors(message, Blob(nullptr, data));
  if (!message.ok()) return Nonsense();
  Answer answer;
  SARAI_TRY(answer.tensors, model->Execute(inputs, context));
  answer.model = std::move(model);
  return answer;
}

Result<Answer> HostService::Unload(Reader& message) {
  std::shared_ptr<BackendModel> model;  // freed below, outside of the lock
  {
    const std::lock_guard lock(mu_);
    const auto at = models_.find(message.Number<uint64_t>());
    if (at == models_.end()) return Answer{};
    model = std::move(at->second);
    models_.erase(at);
  }
  model.reset();
  return Answer{};
}

Result<std::shared_ptr<BackendModel>> HostService::Find(uint64_t id) const {
  const std::lock_guard lock(mu_);
  const auto at = models_.find(id);
  if (at != models_.end()) return at->second;
  return Error(Code::kNotFound, "the backend host has no model number {}", id);
}

}  // namespace sarai::backends::host
