// Steps of Complete, one tensor list at a time; `kind` is "input" or "output" in their errors.
#pragma once

#include <span>

#include "base/status.h"
#include "model_config.pb.h"
#include "types/model_spec.h"

namespace sarai::modelconfig {

// Inputs and outputs are different messages of the same make.
template <typename T>
concept ConfigTensor =
    std::same_as<T, inference::ModelInput> || std::same_as<T, inference::ModelOutput>;

// The shape that the framework sees, without the batch dimension: the reshape where there is one.
template <ConfigTensor T>
std::span<const int64_t> FrameworkDims(const T& tensor) {
  if (tensor.has_reshape())
    return {tensor.reshape().shape().data(), static_cast<size_t>(tensor.reshape().shape_size())};
  return {tensor.dims().data(), static_cast<size_t>(tensor.dims_size())};
}

// Fills type and dims of a tensor from what the framework says of it.
template <ConfigTensor T>
void FillTensor(T& tensor, const TensorSpec& discovered, bool batched) {
  if (tensor.data_type() == inference::TYPE_INVALID)
    tensor.set_data_type(static_cast<inference::DataType>(discovered.type));
  if (tensor.dims_size() > 0) return;
  const size_t skip = batched && !discovered.dims.empty() ? 1 : 0;
  for (size_t i = skip; i < discovered.dims.size(); ++i) tensor.add_dims(discovered.dims[i]);
  if (tensor.dims_size() > 0) return;
  // A scalar: dims need an entry, the framework sees none.
  tensor.add_dims(1);
  tensor.mutable_reshape();
}

}  // namespace sarai::modelconfig
