#include "instance/single_model.h"

namespace sarai::instance {

Status SingleModel::Check() {
  if (const ServingModelPtr model = manager_.Serving(name_); model && model->handle.ready())
    return {};
  Status state;
  bool start = false;
  {
    std::lock_guard lock(mu_);
    state = failure_.ok() ? MakeStatus(Code::kUnavailable, "model '{}' is being loaded", name_)
                          : failure_;
    start = !loading_ && clock_.Now() >= retry_at_;
    loading_ = loading_ || start;
  }
  if (start) manager_.Keep(name_, [this](Status status) { OnLoaded(std::move(status)); });
  return state;
}

void SingleModel::OnLoaded(Status status) {
  std::lock_guard lock(mu_);
  loading_ = false;
  failure_ = std::move(status);
  retry_at_ = clock_.Now() + (failure_.ok() ? Duration::zero() : retry_interval_);
}

}  // namespace sarai::instance
