// The models that hold memory in this process, whose backend they live in, and how often each
// backend has lost all of its models. Any thread.
//
// Invariant: a model that was being loaded while its backend lost everything never gets in.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "engine/model.h"

namespace sarai::engine {

class Roster {
 public:
  using ModelPtr = std::shared_ptr<ModelHandle::Model>;

  // To be asked before a load begins, and given to Add at its end.
  uint64_t LossesOf(const std::string& backend) const;

  // Errors: kUnavailable when the backend lost its models since, or the roster is closed.
  Status Add(ModelPtr model, uint64_t losses_before);
  void Remove(const ModelHandle::Model* model);

  // Counts one loss; the models concerned stay until they are removed.
  std::vector<ModelPtr> Lose(const std::string& backend);
  // Nothing is added or lost afterwards. Returns all that is here.
  std::vector<ModelPtr> Close();

 private:
  mutable std::mutex mu_;
  std::map<const ModelHandle::Model*, ModelPtr> models_;  // guarded by mu_
  std::map<std::string, uint64_t> losses_;                // by backend; guarded by mu_
  bool closed_ = false;                                   // guarded by mu_
};

}  // namespace sarai::engine
