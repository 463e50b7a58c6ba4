#include "types/trace.h"

#include <utility>

namespace sarai {

std::optional<TimePoint> TraceRecord::At(TraceActivity activity) const {
  for (const Stamp& stamp : stamps)
    if (stamp.activity == activity) return stamp.at;
  return std::nullopt;
}

RequestTrace::RequestTrace(TraceRecord record, std::shared_ptr<const Options> options)
    : options_(std::move(options)), record_(std::move(record)) {}

RequestTrace::~RequestTrace() {
  if (options_->sink) options_->sink(std::move(record_));
}

void RequestTrace::SetModel(std::string_view model, std::string_view version) {
  std::lock_guard lock(mu_);
  record_.model = model;
  record_.version = version;
}

void RequestTrace::SetError(std::string_view error) {
  std::lock_guard lock(mu_);
  record_.error = error;
}

void RequestTrace::Stamp(TraceActivity activity, TimePoint at) {
  if (!options_->timestamps) return;
  std::lock_guard lock(mu_);
  record_.stamps.push_back({activity, at});
}

void RequestTrace::AddTensor(TraceActivity activity, const Tensor& tensor) {
  if (!options_->tensors) return;
  std::lock_guard lock(mu_);
  record_.tensors.push_back({activity, tensor});
}

TracePtr RequestTrace::Child() const {
  if (!options_->make_child) return nullptr;
  std::lock_guard lock(mu_);
  return std::make_shared<RequestTrace>(options_->make_child(record_), options_);
}

}  // namespace sarai
