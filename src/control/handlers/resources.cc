#include "control/handlers/resources.h"

#include "control/handlers/list_page.h"
#include "control/handlers/tags.h"

namespace sarai::control {
namespace {

std::string ArnIn(const SageMakerServices& services, const ResourceApi& api, const ApiCall& call,
                  std::string_view name) {
  return ArnOf(api.kind, name, call.region, services.options.account);
}

}  // namespace

ApiResult CreateResource(SageMakerServices& services, const ResourceApi& api, const ApiCall& call) {
  SARAI_API_TRY(const std::string name, call.view().RequireString(api.name_member));
  SARAI_API_TRY(const auto tags, TagsIn(call.view()));
  Resource resource{.name = name,
                    .arn = ArnIn(services, api, call, name),
                    .created = services.clock.WallNow(),
                    .request = call.body};
  resource.request.erase("Tags");
  const Status created = services.state.InTransaction([&]() -> Status {
    SARAI_CHECK_OK(api.table.Insert(resource));
    return services.state.tags.Set(resource.arn, tags);
  });
  if (!created.ok() && created.code() == Code::kAlreadyExists)
    return AlreadyExists(api.kind, resource.arn);
  SARAI_API_CHECK(created);
  return json::Object{{api.arn_member, resource.arn}};
}

ApiResult DescribeResource(SageMakerServices& services, const ResourceApi& api,
                           const ApiCall& call) {
  SARAI_API_TRY(const std::string name, call.view().RequireString(api.name_member));
  SARAI_API_TRY(const auto resource, api.table.Find(name));
  if (!resource) return CouldNotFind(api.kind, ArnIn(services, api, call, name));
  json::Object answer = resource->request;
  answer[api.name_member] = resource->name;
  answer[api.arn_member] = resource->arn;
  answer["CreationTime"] = EpochOf(resource->created);
  return answer;
}

ApiResult ListResources(const ResourceApi& api, const ApiCall& call) {
  SARAI_API_TRY(const ListQuery query, ParseListQuery(call.view()));
  SARAI_API_TRY(const auto resources, api.table.List());
  std::vector<Listed> lines;
  for (const Resource& resource : resources)
    lines.push_back({.name = resource.name,
                     .arn = resource.arn,
                     .created = resource.created,
                     .modified = resource.created});
  const ListPage page = PageOf(std::move(lines), query);
  json::Array listed;
  for (const Listed& line : page.lines)
    listed.push_back(json::Object{{api.name_member, line.name},
                                  {api.arn_member, line.arn},
                                  {"CreationTime", EpochOf(line.created)}});
  json::Object answer = {{api.list_member, std::move(listed)}};
  if (!page.next_token.empty()) answer["NextToken"] = page.next_token;
  return answer;
}

ApiResult DeleteResource(SageMakerServices& services, const ResourceApi& api, const ApiCall& call) {
  SARAI_API_TRY(const std::string name, call.view().RequireString(api.name_member));
  SARAI_API_TRY(const auto resource, api.table.Find(name));
  if (!resource) return CouldNotFind(api.kind, ArnIn(services, api, call, name));
  SARAI_API_CHECK(services.state.InTransaction([&]() -> Status {
    if (const auto removed = api.table.Remove(name); !removed) return removed.error();
    return services.state.tags.RemoveAll(resource->arn);
  }));
  return json::Object();
}

}  // namespace sarai::control
