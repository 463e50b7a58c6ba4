#include "instance/serving_table.h"

#include <thread>
#include <utility>

namespace sarai::instance {

// Both counters are sequentially consistent here: either Close sees who is inside, or Enter sees
// that it is closed.
bool ServingModel::Enter() {
  inside_.fetch_add(1);
  if (!closed_.load() && handle.ready()) return true;
  Leave();
  return false;
}

void ServingModel::Close() {
  closed_.store(true);
  while (inside_.load() != 0) std::this_thread::yield();
}

bool ServingModel::TakeCheck(TimePoint now, Duration interval) {
  Duration::rep due = check_at_.load(std::memory_order_relaxed);
  if (now.time_since_epoch().count() < due) return false;
  return check_at_.compare_exchange_strong(due, (now + interval).time_since_epoch().count());
}

ServingModelPtr ServingTable::Find(std::string_view name) const {
  std::shared_lock lock(mu_);
  const auto it = models_.find(name);
  return it == models_.end() ? nullptr : it->second;
}

void ServingTable::Put(ServingModelPtr model) {
  std::lock_guard lock(mu_);
  models_.insert_or_assign(model->name, std::move(model));
}

void ServingTable::Remove(const ServingModel& model) {
  std::lock_guard lock(mu_);
  const auto it = models_.find(model.name);
  if (it != models_.end() && it->second.get() == &model) models_.erase(it);
}

std::vector<ServingModelPtr> ServingTable::All() const {
  std::shared_lock lock(mu_);
  std::vector<ServingModelPtr> all;
  all.reserve(models_.size());
  for (const auto& [name, model] : models_) all.push_back(model);
  return all;
}

void ServingTable::PutLocal(const std::string& name, const std::string& target) {
  std::lock_guard lock(mu_);
  local_targets_[name] = target;
}

void ServingTable::RemoveLocal(const std::string& name) {
  std::lock_guard lock(mu_);
  local_targets_.erase(name);
}

std::optional<std::string> ServingTable::LocalTarget(std::string_view name) const {
  std::shared_lock lock(mu_);
  const auto it = local_targets_.find(name);
  if (it == local_targets_.end()) return std::nullopt;
  return it->second;
}

}  // namespace sarai::instance
