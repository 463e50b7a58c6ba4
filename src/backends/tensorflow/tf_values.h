// Tensors of ours as TensorFlow's and back.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "backends/tensorflow/tf_api.h"
#include "base/status.h"
#include "types/tensor.h"

namespace sarai::backends::tensorflow {

// Deletes a tensor, and what strings in it hold. Strings that a graph made are not ours to free.
struct TfTensorDeleter {
  std::shared_ptr<const TfApi> api;
  size_t strings = 0;
  void operator()(TF_Tensor* tensor) const;
};
using OwnedTensor = std::unique_ptr<TF_Tensor, TfTensorDeleter>;

// Shares the bytes of `tensor.data`, where they are aligned as TensorFlow wants them; it copies
// others, and strings. `shape` is the one that the model sees.
Result<OwnedTensor> ToTf(const std::shared_ptr<const TfApi>& api, const Tensor& tensor,
                         const Shape& shape);

// Numbers are shared, unless they lie in one of the inputs; strings are copied.
Result<Tensor> FromTf(OwnedTensor value, std::string name, const std::vector<Tensor>& inputs);

}  // namespace sarai::backends::tensorflow
