#include "wire/kserve/restricted_apis.h"

#include <array>
#include <utility>

#include "base/strings.h"

namespace sarai::kserve {
namespace {

constexpr std::array<std::pair<std::string_view, ApiCategory>, 9> kCategories = {{
    {"health", ApiCategory::kHealth},
    {"metadata", ApiCategory::kMetadata},
    {"inference", ApiCategory::kInference},
    {"shared-memory", ApiCategory::kSharedMemory},
    {"model-config", ApiCategory::kModelConfig},
    {"model-repository", ApiCategory::kModelRepository},
    {"statistics", ApiCategory::kStatistics},
    {"trace", ApiCategory::kTrace},
    {"logging", ApiCategory::kLogging},
}};

}  // namespace

std::optional<ApiCategory> ParseApiCategory(std::string_view name) {
  for (const auto& [known, category] : kCategories)
    if (known == name) return category;
  return std::nullopt;
}

Result<RestrictedApis> RestrictedApis::Parse(const std::vector<std::string>& rules) {
  RestrictedApis apis;
  for (const std::string& rule : rules) SARAI_CHECK_OK(apis.Add(rule));
  return apis;
}

Status RestrictedApis::Add(std::string_view rule) {
  const size_t colon = rule.find(':');
  const size_t equals = rule.find('=', colon == std::string_view::npos ? 0 : colon);
  if (colon == std::string_view::npos || equals == std::string_view::npos || equals == colon + 1)
    return MakeStatus(Code::kInvalidArgument,
                      "restriction '{}' must be CATEGORY[,CATEGORY…]:KEY=VALUE", rule);
  const Secret secret{.key = std::string(rule.substr(colon + 1, equals - colon - 1)),
                      .value = std::string(rule.substr(equals + 1))};
  for (const std::string_view name : Split(rule.substr(0, colon), ',')) {
    const auto category = ParseApiCategory(Trim(name));
    if (!category)
      return MakeStatus(Code::kInvalidArgument,
                        "restriction '{}': there is no '{}'; health, metadata, inference, "
                        "shared-memory, model-config, model-repository, statistics, trace and "
                        "logging are known",
                        rule, name);
    if (!secrets_.emplace(*category, secret).second)
      return MakeStatus(Code::kInvalidArgument, "'{}' is restricted twice", name);
  }
  return {};
}

const RestrictedApis::Secret* RestrictedApis::Of(ApiCategory category) const {
  const auto found = secrets_.find(category);
  return found == secrets_.end() ? nullptr : &found->second;
}

}  // namespace sarai::kserve
