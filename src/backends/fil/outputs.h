// From what a classifier predicts to what its parameters ask for.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace sarai::backends::fil {

// The class of each row: the first of the greatest values; of a single value, 1 where it is above
// the threshold, else 0.
std::vector<float> Classes(std::span<const float> scores, int64_t values, float threshold);

// The scores of both classes, from those of class 1.
std::vector<float> BothClasses(std::span<const float> scores);

}  // namespace sarai::backends::fil
