#include "control/handlers/tags.h"

#include <algorithm>
#include <vector>

#include "control/handlers/handlers.h"

namespace sarai::control {
namespace {

constexpr size_t kMaxTags = 50;  // per resource
constexpr size_t kMaxKeyLength = 128;
constexpr size_t kMaxValueLength = 256;

// The ARN's resource must exist, or its tags would outlive it.
std::expected<void, AwsError> CheckTagged(const SageMakerServices& services,
                                          const std::string& arn) {
  for (const auto& [name, endpoint] : services.state.endpoints.all())
    if (endpoint.arn == arn) return {};
  for (const ResourceTable* const table :
       {&services.state.models, &services.state.endpoint_configs}) {
    SARAI_API_TRY(const auto resources, table->List());
    if (std::ranges::any_of(resources, [&](const Resource& r) { return r.arn == arn; })) return {};
  }
  return ValidationException(fmt::format("Could not find resource \"{}\".", arn));
}

json::Array TagList(const std::map<std::string, std::string>& tags) {
  json::Array list;
  for (const auto& [key, value] : tags)
    list.push_back(json::Object{{"Key", key}, {"Value", value}});
  return list;
}

}  // namespace

Result<std::map<std::string, std::string>> TagsIn(const json::ObjectView& body) {
  SARAI_TRY(const auto elements, body.Children("Tags"));
  std::map<std::string, std::string> tags;
  for (const json::ObjectView& element : elements) {
    SARAI_TRY(std::string key, element.RequireString("Key"));
    SARAI_TRY(std::string value, element.RequireString("Value"));
    if (key.empty() || key.size() > kMaxKeyLength || value.size() > kMaxValueLength)
      return Error(Code::kInvalidArgument,
                   "A tag's key has 1 to {} characters and its value {} at most; '{}' does not.",
                   kMaxKeyLength, kMaxValueLength, key.substr(0, kMaxKeyLength));
    tags.insert_or_assign(std::move(key), std::move(value));
  }
  if (tags.size() > kMaxTags)
    return Error(Code::kInvalidArgument, "{} tags are more than the {} allowed.", tags.size(),
                 kMaxTags);
  return tags;
}

ApiResult AddTags(SageMakerServices& services, const ApiCall& call) {
  SARAI_API_TRY(const std::string arn, call.view().RequireString("ResourceArn"));
  if (const auto found = CheckTagged(services, arn); !found) return std::unexpected(found.error());
  SARAI_API_TRY(const auto added, TagsIn(call.view()));
  SARAI_API_TRY(auto tags, services.state.tags.Of(arn));
  for (const auto& [key, value] : added) tags.insert_or_assign(key, value);
  if (tags.size() > kMaxTags)
    return ValidationException(
        fmt::format("{} tags are more than the {} allowed.", tags.size(), kMaxTags));
  SARAI_API_CHECK(
      services.state.InTransaction([&] { return services.state.tags.Set(arn, added); }));
  return json::Object{{"Tags", TagList(tags)}};
}

ApiResult ListTags(SageMakerServices& services, const ApiCall& call) {
  SARAI_API_TRY(const std::string arn, call.view().RequireString("ResourceArn"));
  if (const auto found = CheckTagged(services, arn); !found) return std::unexpected(found.error());
  SARAI_API_TRY(const auto tags, services.state.tags.Of(arn));
  return json::Object{{"Tags", TagList(tags)}};  // 50 at most: always one page
}

ApiResult DeleteTags(SageMakerServices& services, const ApiCall& call) {
  SARAI_API_TRY(const std::string arn, call.view().RequireString("ResourceArn"));
  if (const auto found = CheckTagged(services, arn); !found) return std::unexpected(found.error());
  SARAI_API_TRY(const auto keys, call.view().Strings("TagKeys"));
  SARAI_API_CHECK(
      services.state.InTransaction([&] { return services.state.tags.Remove(arn, keys); }));
  return json::Object();
}

}  // namespace sarai::control
