// Shapes on the two sides of a `reshape`: what the client sees and what the framework sees. Pure.
#pragma once

#include <span>

#include "base/status.h"
#include "types/tensor.h"

namespace sarai::engine {

// True when `actual` has the rank of `dims` and its values, where -1 stands for any.
bool FitsDims(std::span<const int64_t> dims, std::span<const int64_t> actual);

// What `actual`, an instance of the pattern `from`, looks like under the pattern `to`. Variable
// dimensions keep their order; a single one that has no counterpart is deduced. Both sides have as
// many elements, or it is an error.
Result<Shape> Reshaped(std::span<const int64_t> from, std::span<const int64_t> actual,
                       std::span<const int64_t> to);

}  // namespace sarai::engine
