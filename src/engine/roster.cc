#include "engine/roster.h"

namespace sarai::engine {

uint64_t Roster::LossesOf(const std::string& backend) const {
  std::lock_guard lock(mu_);
  const auto found = losses_.find(backend);
  return found == losses_.end() ? 0 : found->second;
}

Status Roster::Add(ModelPtr model, uint64_t losses_before) {
  const ModelSpec& spec = model->info.spec;
  std::lock_guard lock(mu_);
  if (closed_) return MakeStatus(Code::kUnavailable, "the server is shutting down");
  if (losses_[spec.backend] != losses_before)
    return MakeStatus(Code::kUnavailable,
                      "model '{}': the process of backend '{}' died while it was loading; a retry "
                      "loads it again",
                      spec.name, spec.backend);
  const ModelHandle::Model* const key = model.get();
  models_.emplace(key, std::move(model));
  return {};
}

void Roster::Remove(const ModelHandle::Model* model) {
  ModelPtr removed;  // freed after the lock
  std::lock_guard lock(mu_);
  const auto found = models_.find(model);
  if (found == models_.end()) return;
  removed = std::move(found->second);
  models_.erase(found);
}

std::vector<Roster::ModelPtr> Roster::Lose(const std::string& backend) {
  std::vector<ModelPtr> lost;
  std::lock_guard lock(mu_);
  if (closed_) return lost;
  ++losses_[backend];
  for (const auto& [key, model] : models_)
    if (model->info.spec.backend == backend) lost.push_back(model);
  return lost;
}

std::vector<Roster::ModelPtr> Roster::Close() {
  std::vector<ModelPtr> all;
  std::lock_guard lock(mu_);
  closed_ = true;
  all.reserve(models_.size());
  for (const auto& [key, model] : models_) all.push_back(model);
  return all;
}

}  // namespace sarai::engine
