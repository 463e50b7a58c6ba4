#include "backends/fil/outputs.h"

#include <algorithm>

namespace sarai::backends::fil {

std::vector<float> Classes(std::span<const float> scores, int64_t values, float threshold) {
  const auto width = static_cast<size_t>(values);
  std::vector<float> classes(scores.size() / width);
  for (size_t row = 0; row < classes.size(); ++row) {
    const auto of_row = scores.subspan(row * width, width);
    classes[row] = width == 1
                       ? static_cast<float>(of_row[0] > threshold)
                       : static_cast<float>(std::ranges::max_element(of_row) - of_row.begin());
  }
  return classes;
}

std::vector<float> BothClasses(std::span<const float> scores) {
  std::vector<float> both;
  both.reserve(2 * scores.size());
  for (const float score : scores) {
    both.push_back(1.0F - score);
    both.push_back(score);
  }
  return both;
}

}  // namespace sarai::backends::fil
