#include "backends/examples/example_backend.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>

namespace sarai::backends::examples {

bool Pause(Duration time, const CancellationPtr& cancellation) {
  std::mutex mu;
  std::condition_variable changed;
  bool left = IsCancelled(cancellation);
  uint64_t id = 0;
  if (cancellation != nullptr)
    id = cancellation->OnCancel([&] {
      std::lock_guard lock(mu);
      left = true;
      changed.notify_all();
    });
  std::unique_lock lock(mu);
  changed.wait_for(lock, std::clamp(time, Duration{0}, kPauseMax), [&] { return left; });
  const bool undisturbed = !left;
  lock.unlock();
  if (cancellation != nullptr) cancellation->Remove(id);
  return undisturbed;
}

Status CheckTensor(const std::vector<TensorSpec>& tensors, size_t index, const std::string& name,
                   DataType type, const Shape* dims) {
  if (index >= tensors.size())
    return MakeStatus(Code::kInvalidArgument, "expected a tensor '{}', there is none", name);
  const TensorSpec& tensor = tensors[index];
  if (tensor.name != name)
    return MakeStatus(Code::kInvalidArgument, "expected tensor {} to be '{}', got '{}'", index,
                      name, tensor.name);
  if (tensor.type != type)
    return MakeStatus(Code::kInvalidArgument, "expected '{}' to have type {}, got {}", name,
                      DataTypeName(type), DataTypeName(tensor.type));
  if (dims != nullptr && tensor.dims != *dims)
    return MakeStatus(Code::kInvalidArgument, "expected '{}' to have dims {}, got {}", name,
                      ShapeText(*dims), ShapeText(tensor.dims));
  return {};
}

}  // namespace sarai::backends::examples
