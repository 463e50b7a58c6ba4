#include "backends/fil/lightgbm_text.h"

#include <cstdint>

#include "base/strings.h"

namespace sarai::backends::fil {
namespace {

constexpr std::string_view kSizes = "\ntree_sizes=", kTree = "Tree=", kFirstTree = "\nTree=0\n";
constexpr std::string_view kEnd = "end of trees";

Status Damaged(std::string_view why) {
  return MakeStatus(Code::kDataLoss, "LightGBM: the model file is damaged or cut off: {}", why);
}

}  // namespace

Status CheckLightgbmText(std::string_view text) {
  if (!text.starts_with("tree\n") && !text.starts_with("tree\r\n"))
    return MakeStatus(Code::kDataLoss, "LightGBM: its models begin with a line 'tree'");
  const size_t sizes = text.find(kSizes);
  if (sizes == std::string_view::npos) return Damaged("it has no line 'tree_sizes'");
  const size_t begin = sizes + kSizes.size();
  const std::string_view line = text.substr(begin, text.find('\n', begin) - begin);
  size_t at = text.find(kFirstTree);
  if (at == std::string_view::npos && !Trim(line).empty()) return Damaged("it has no 'Tree=0'");
  ++at;
  for (const std::string_view word : Split(Trim(line), ' ')) {
    if (word.empty()) continue;
    const auto size = ParseInt(word);
    if (!size || *size <= 0 || static_cast<uint64_t>(*size) > text.size() - at)
      return Damaged("a tree is larger than what is left");
    if (!text.substr(at).starts_with(kTree)) return Damaged("a tree is not where it should be");
    at += static_cast<size_t>(*size);
  }
  if (text.find(kEnd, at == 0 ? begin : at) != std::string_view::npos) return {};
  return Damaged("it has no line 'end of trees'");
}

}  // namespace sarai::backends::fil
