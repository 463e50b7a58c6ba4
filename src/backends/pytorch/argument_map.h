// Which of a TorchScript model's values a tensor of the config stands for. The rules are Triton's:
// forward()'s own argument names, else names that end in `__<index>`, else the config's order.
// No framework types in here.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace sarai::backends::torchscript {

// "INPUT__12" -> 12.
std::optional<size_t> NameIndex(std::string_view name);

// For each config name its position among forward()'s arguments (self not counted). Errors:
// kInvalidArgument when a position is taken twice or does not exist.
Result<std::vector<size_t>> MapInputs(const std::vector<std::string>& names,
                                      const std::vector<std::string>& arguments);

// For each config name its position in the returned tuple or list. Errors: kInvalidArgument when a
// position is taken twice.
Result<std::vector<size_t>> MapOutputs(const std::vector<std::string>& names);

}  // namespace sarai::backends::torchscript
