#include "loadgen/model_choice.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "base/strings.h"

namespace sarai::loadgen {
namespace {

Status AddExpanded(std::string_view text, size_t max_names, std::vector<std::string>& names) {
  const size_t open = text.find('{');
  if (open == std::string_view::npos) {
    names.emplace_back(text);
    return {};
  }
  const size_t dots = text.find("..", open);
  const size_t close = text.find('}', open);
  const auto bad = [text] {
    return MakeStatus(Code::kInvalidArgument, "'{}' is no pattern such as model-{{0..99}}", text);
  };
  if (close == std::string_view::npos || dots == std::string_view::npos || dots > close)
    return bad();
  const std::string_view low = text.substr(open + 1, dots - open - 1);
  const auto first = ParseInt(low), last = ParseInt(text.substr(dots + 2, close - dots - 2));
  if (!first || !last || *first < 0 || *last < *first) return bad();
  if (static_cast<uint64_t>(*last - *first) >= max_names - std::min(names.size(), max_names))
    return MakeStatus(Code::kInvalidArgument, "'{}' is more than {} models", text, max_names);
  for (int64_t i = *first; i <= *last; ++i)
    names.push_back(
        fmt::format("{}{:0{}}{}", text.substr(0, open), i, low.size(), text.substr(close + 1)));
  return {};
}

}  // namespace

ModelChoice ModelChoice::RoundRobin(size_t models) { return {Kind::kRoundRobin, models, 0}; }

ModelChoice ModelChoice::Uniform(size_t models, uint64_t seed) {
  return {Kind::kUniform, models, seed};
}

ModelChoice ModelChoice::Zipf(size_t models, double exponent, uint64_t seed) {
  ModelChoice choice(Kind::kZipf, models, seed);
  double sum = 0;
  for (size_t k = 1; k <= models; ++k) {
    sum += std::pow(static_cast<double>(k), -exponent);
    choice.cumulative_.push_back(sum);
  }
  return choice;
}

ModelChoice ModelChoice::Listed(std::vector<uint32_t> order) {
  ModelChoice choice(Kind::kListed, 0, 0);
  choice.order_ = std::move(order);
  return choice;
}

std::optional<size_t> ModelChoice::Next() {
  switch (kind_) {
    case Kind::kRoundRobin: return index_++ % models_;
    case Kind::kUniform: return random_.Below(models_);
    case Kind::kZipf: {
      const auto at = std::ranges::upper_bound(cumulative_, random_.Unit() * cumulative_.back());
      return std::min<size_t>(at - cumulative_.begin(), models_ - 1);
    }
    case Kind::kListed: break;
  }
  if (index_ >= order_.size()) return std::nullopt;
  return order_[index_++];
}

Result<std::vector<std::string>> ExpandNames(std::string_view text, size_t max_names) {
  std::vector<std::string> names;
  for (const std::string_view part : Split(text, ','))
    if (!Trim(part).empty()) SARAI_CHECK_OK(AddExpanded(Trim(part), max_names, names));
  if (names.empty()) return Error(Code::kInvalidArgument, "'{}' names no model", text);
  return names;
}

}  // namespace sarai::loadgen
