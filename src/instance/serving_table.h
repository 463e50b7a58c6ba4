// The models that are loaded, as the net threads see them: the fast path of a warm request.
//
// Its place: the model manager's strand puts versions in and takes them out; any thread looks them
// up and enters them. Whoever has entered a version may hand requests to the engine: Close waits
// for those inside, so that no request reaches an engine model that is being unloaded.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "engine/engine.h"
#include "instance/catalog.h"
#include "instance/instance_metrics.h"

namespace sarai::instance {

// One loaded version. Immutable but for its door and the time of the next look at its origin.
class ServingModel {
 public:
  ServingModel(std::string name, std::string version_id, ModelOrigin origin,
               engine::ModelHandle handle, std::shared_ptr<ModelMetrics> metrics)
      : name(std::move(name)),
        version_id(std::move(version_id)),
        origin(std::move(origin)),
        handle(std::move(handle)),
        metrics(std::move(metrics)) {}

  const std::string name;
  const std::string version_id;
  const ModelOrigin origin;
  const engine::ModelHandle handle;
  const std::shared_ptr<ModelMetrics> metrics;

  // False once closed or lost. True: Leave must follow, without blocking in between.
  bool Enter();
  void Leave() { inside_.fetch_sub(1, std::memory_order_release); }
  // No Enter succeeds from now on; returns when everybody has left.
  void Close();

  // True for one caller when the time of the next look at the origin has come; sets the one after.
  bool TakeCheck(TimePoint now, Duration interval);
  void SetCheck(TimePoint at) { check_at_.store(at.time_since_epoch().count()); }

 private:
  std::atomic<int64_t> inside_ = 0;
  std::atomic<bool> closed_ = false;
  std::atomic<Duration::rep> check_at_ = Duration::max().count();
};

using ServingModelPtr = std::shared_ptr<ServingModel>;

class ServingTable {
 public:
  ServingModelPtr Find(std::string_view name) const;
  // Replaces what has that name.
  void Put(ServingModelPtr model);
  // Takes this version out; another one under the same name stays.
  void Remove(const ServingModel& model);
  std::vector<ServingModelPtr> All() const;  // by name

  // Names that POST /models gave out, loaded or lost, and the TargetModel each is for.
  void PutLocal(const std::string& name, const std::string& target);
  void RemoveLocal(const std::string& name);
  std::optional<std::string> LocalTarget(std::string_view name) const;

 private:
  mutable std::shared_mutex mu_;
  std::map<std::string, ServingModelPtr, std::less<>> models_;     // guarded by mu_
  std::map<std::string, std::string, std::less<>> local_targets_;  // guarded by mu_
};

}  // namespace sarai::instance
