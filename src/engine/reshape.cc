#include "engine/reshape.h"

#include <algorithm>

namespace sarai::engine {
namespace {

Status Mismatch(std::span<const int64_t> actual, std::span<const int64_t> to) {
  return MakeStatus(Code::kInvalidArgument, "shape {} cannot be seen as {}", ShapeText(actual),
                    ShapeText(to));
}

// The values that the variable dimensions of `pattern` have in `actual`.
Shape VariableValues(std::span<const int64_t> pattern, std::span<const int64_t> actual) {
  Shape values;
  for (size_t i = 0; i < pattern.size(); ++i)
    if (pattern[i] < 0) values.push_back(actual[i]);
  return values;
}

Shape Fill(std::span<const int64_t> pattern, std::span<const int64_t> values) {
  Shape shape(pattern.begin(), pattern.end());
  size_t next = 0;
  for (int64_t& dim : shape)
    if (dim < 0) dim = values[next++];
  return shape;
}

// The one variable dimension of `pattern` such that the whole has `count` elements.
Result<int64_t> Deduce(std::span<const int64_t> pattern, int64_t count) {
  Shape fixed;
  std::ranges::copy_if(pattern, std::back_inserter(fixed), [](int64_t dim) { return dim >= 0; });
  SARAI_TRY(const int64_t known, ElementCount(fixed));
  if (known == 0 || count % known != 0)
    return Error(Code::kInvalidArgument, "{} elements do not divide by {}", count, known);
  return count / known;
}

}  // namespace

bool FitsDims(std::span<const int64_t> dims, std::span<const int64_t> actual) {
  return std::ranges::equal(dims, actual, [](int64_t expected, int64_t got) {
    return got >= 0 && (expected < 0 || expected == got);
  });
}

Result<Shape> Reshaped(std::span<const int64_t> from, std::span<const int64_t> actual,
                       std::span<const int64_t> to) {
  if (!FitsDims(from, actual)) return std::unexpected(Mismatch(actual, from));
  SARAI_TRY(const int64_t count, ElementCount(actual));
  Shape values = VariableValues(from, actual);
  const auto wanted = static_cast<size_t>(std::ranges::count_if(to, [](auto d) { return d < 0; }));
  if (wanted == 1) {
    const auto deduced = Deduce(to, count);
    if (!deduced) return std::unexpected(Mismatch(actual, to));
    values = {*deduced};
  }
  if (wanted != values.size() && wanted != 0) return std::unexpected(Mismatch(actual, to));
  Shape shape = Fill(to, values);
  const auto elements = ElementCount(shape);
  if (!elements || *elements != count) return std::unexpected(Mismatch(actual, to));
  return shape;
}

}  // namespace sarai::engine
