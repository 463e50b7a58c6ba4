// Tensors of ours as TorchScript values and back. Includes the framework: only for this folder.
#pragma once

#include <ATen/core/function_schema.h>
#include <ATen/core/ivalue.h>
#include <ATen/core/jit_type.h>

#include <string>
#include <vector>

#include "base/status.h"
#include "types/tensor.h"

namespace sarai::backends::torchscript {

// What an argument of forward() can be given from a tensor.
enum class ArgumentKind { kTensor, kStrings, kString, kInts, kInt, kFloats, kFloat, kBools, kBool };

// Errors: kUnimplemented names the argument and its type.
Result<ArgumentKind> KindOf(const c10::Argument& argument);

// Errors: kInvalidArgument when a tensor of this type cannot become that argument.
Status CheckType(ArgumentKind kind, const TensorSpec& input);

// A tensor argument shares the bytes of `tensor.data` (kept alive by it) unless `copy` is set;
// strings and scalars are copied. `shape` is the one that the model sees.
Result<c10::IValue> ToIValue(const Tensor& tensor, const Shape& shape, ArgumentKind kind,
                             bool copy);

// `wanted` gives the name and the type that the config promises. Lists of strings and scalars are
// one element per row where the model batches: [n,1] instead of [n]. Tensors are shared, not
// copied. Errors: kInvalidArgument when the type is another, kUnimplemented for other kinds of
// values.
Result<Tensor> FromIValue(const c10::IValue& value, const TensorSpec& wanted, bool batches);

}  // namespace sarai::backends::torchscript
