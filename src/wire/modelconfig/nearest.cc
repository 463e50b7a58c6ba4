#include "wire/modelconfig/nearest.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include <fmt/format.h>

namespace sarai::modelconfig {
namespace {

constexpr size_t kMaxLength = 128;  // of a name that is compared at all
constexpr size_t kMinPrefix = 3;

// Insertions, deletions and replacements that lead from one to the other.
size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i);
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row.back();
}

// "max_batch" for "max_batch_size", "inputs" for "input".
bool BeginAlike(std::string_view a, std::string_view b) {
  return std::min(a.size(), b.size()) >= kMinPrefix && (a.starts_with(b) || b.starts_with(a));
}

}  // namespace

std::string Nearest(std::string_view name, const std::vector<std::string>& known) {
  if (name.size() > kMaxLength) return "";
  std::string nearest;
  size_t least = std::max<size_t>(1, name.size() / 3) + 1;
  for (const std::string& candidate : known) {
    const size_t distance = BeginAlike(name, candidate) ? 1 : EditDistance(name, candidate);
    if (distance >= least) continue;
    least = distance;
    nearest = candidate;
  }
  return nearest;
}

std::string DidYouMean(std::string_view name, const std::vector<std::string>& known) {
  const std::string nearest = Nearest(name, known);
  return nearest.empty() ? "" : fmt::format("; did you mean '{}'?", nearest);
}

}  // namespace sarai::modelconfig
