#include "backends/pytorch/argument_map.h"

#include <algorithm>
#include <set>

#include "base/strings.h"

namespace sarai::backends::torchscript {
namespace {

constexpr std::string_view kIndexSeparator = "__";

bool AllIndexed(const std::vector<std::string>& names) {
  return !names.empty() &&
         std::ranges::all_of(names, [](const auto& name) { return NameIndex(name).has_value(); });
}

bool AllAmong(const std::vector<std::string>& names, const std::vector<std::string>& arguments) {
  return std::ranges::all_of(names, [&](const auto& name) {
    return std::ranges::find(arguments, name) != arguments.end();
  });
}

std::vector<size_t> ByIndexOrOrder(const std::vector<std::string>& names) {
  const bool indexed = AllIndexed(names);
  std::vector<size_t> positions;
  for (size_t i = 0; i < names.size(); ++i) positions.push_back(indexed ? *NameIndex(names[i]) : i);
  return positions;
}

Status CheckDistinct(const std::vector<std::string>& names, const std::vector<size_t>& positions) {
  std::set<size_t> taken;
  for (size_t i = 0; i < names.size(); ++i)
    if (!taken.insert(positions[i]).second)
      return MakeStatus(Code::kInvalidArgument, "'{}' is the second tensor with index {}", names[i],
                        positions[i]);
  return {};
}

}  // namespace

std::optional<size_t> NameIndex(std::string_view name) {
  const auto at = name.rfind(kIndexSeparator);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view digits = name.substr(at + kIndexSeparator.size());
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  if (digits.empty() || !std::ranges::all_of(digits, is_digit)) return std::nullopt;
  const auto index = ParseInt(digits);
  return index ? std::optional(static_cast<size_t>(*index)) : std::nullopt;
}

Result<std::vector<size_t>> MapInputs(const std::vector<std::string>& names,
                                      const std::vector<std::string>& arguments) {
  std::vector<size_t> positions;
  if (AllAmong(names, arguments)) {
    for (const std::string& name : names)
      positions.push_back(
          static_cast<size_t>(std::ranges::find(arguments, name) - arguments.begin()));
  } else {
    positions = ByIndexOrOrder(names);
  }
  SARAI_CHECK_OK(CheckDistinct(names, positions));
  for (size_t i = 0; i < names.size(); ++i)
    if (positions[i] >= arguments.size())
      return Error(Code::kInvalidArgument,
                   "input '{}' would be argument {} of forward(), which takes {}: ({})", names[i],
                   positions[i], arguments.size(), Join(arguments, ", "));
  return positions;
}

Result<std::vector<size_t>> MapOutputs(const std::vector<std::string>& names) {
  std::vector<size_t> positions = ByIndexOrOrder(names);
  SARAI_CHECK_OK(CheckDistinct(names, positions));
  return positions;
}

}  // namespace sarai::backends::torchscript
