// The inference requests of one model: each holds the memory of one run, and carries one run at a
// time. Includes the framework: only for this folder.
#pragma once

#include <mutex>
#include <openvino/runtime/compiled_model.hpp>
#include <openvino/runtime/infer_request.hpp>
#include <utility>
#include <vector>

namespace sarai::backends::openvino {

// Makes as many as are ever used at once. Thread-safe.
class RequestPool {
 public:
  class Lease {
   public:
    Lease(RequestPool& pool, ov::InferRequest request)
        : pool_(pool), request_(std::move(request)) {}
    ~Lease() { pool_.Return(std::move(request_)); }
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    ov::InferRequest* operator->() { return &request_; }

   private:
    RequestPool& pool_;
    ov::InferRequest request_;
  };

  explicit RequestPool(ov::CompiledModel model) : model_(std::move(model)) {}

  const ov::CompiledModel& model() const { return model_; }
  Lease Take() {
    std::unique_lock lock(mu_);
    if (idle_.empty()) {
      lock.unlock();
      return {*this, model_.create_infer_request()};
    }
    ov::InferRequest request = std::move(idle_.back());
    idle_.pop_back();
    return {*this, std::move(request)};
  }

 private:
  void Return(ov::InferRequest request) {
    const std::lock_guard lock(mu_);
    idle_.push_back(std::move(request));
  }

  ov::CompiledModel model_;
  std::mutex mu_;
  std::vector<ov::InferRequest> idle_;  // guarded by mu_
};

}  // namespace sarai::backends::openvino
