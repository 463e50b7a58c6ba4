#include "instance/front/http_restrictions.h"

#include <array>
#include <span>
#include <string>

#include "instance/front/reply.h"

namespace sarai::instance {
namespace {

using kserve::ApiCategory;
using Segments = std::span<const std::string>;
using Category = std::optional<ApiCategory>;

struct Named {
  std::string_view segment;
  ApiCategory category;
};

template <size_t n>
Category Find(const std::array<Named, n>& table, std::string_view segment) {
  for (const Named& row : table)
    if (row.segment == segment) return row.category;
  return std::nullopt;
}

constexpr std::array<Named, 7> kOfModel = {{{"ready", ApiCategory::kHealth},
                                            {"config", ApiCategory::kModelConfig},
                                            {"stats", ApiCategory::kStatistics},
                                            {"trace", ApiCategory::kTrace},
                                            {"infer", ApiCategory::kInference},
                                            {"generate", ApiCategory::kInference},
                                            {"generate_stream", ApiCategory::kInference}}};

constexpr std::array<Named, 6> kOfServer = {{{"health", ApiCategory::kHealth},
                                             {"repository", ApiCategory::kModelRepository},
                                             {"systemsharedmemory", ApiCategory::kSharedMemory},
                                             {"cudasharedmemory", ApiCategory::kSharedMemory},
                                             {"trace", ApiCategory::kTrace},
                                             {"logging", ApiCategory::kLogging}}};

// Below /v2/models.
Category OfModel(Segments path) {
  if (path.empty()) return std::nullopt;
  if (path.size() == 1 && path[0] == "stats") return ApiCategory::kStatistics;
  path = path.subspan(1);
  if (path.size() >= 2 && path[0] == "versions") path = path.subspan(2);
  if (path.empty()) return ApiCategory::kMetadata;
  return Find(kOfModel, path[0]);
}

Category OfKserve(Segments path) {
  if (path.empty()) return ApiCategory::kMetadata;
  if (path[0] == "models") return OfModel(path.subspan(1));
  return Find(kOfServer, path[0]);
}

// Below /sarai/v1.
Category OfAdmin(Segments path) {
  const bool changes = !path.empty() && path[0] == "models";
  return changes ? ApiCategory::kModelRepository : ApiCategory::kStatistics;
}

}  // namespace

Category HttpCategoryOf(const http::Target& target) {
  const Segments path = target.segments;
  if (path.empty()) return std::nullopt;
  const Segments rest = path.subspan(1);
  if (path[0] == "v2") return OfKserve(rest);
  if (path[0] == "sarai") return OfAdmin(rest.empty() ? rest : rest.subspan(1));
  if (path[0] == "ping") return ApiCategory::kHealth;
  if (path[0] == "invocations") return ApiCategory::kInference;
  if (path[0] != "models") return std::nullopt;
  return rest.size() == 2 ? ApiCategory::kInference : ApiCategory::kModelRepository;
}

std::optional<http::Response> HttpRestrictions::Refuse(const http::Request& request,
                                                       const http::Target& target) const {
  const auto category = HttpCategoryOf(target);
  const auto* const secret = category ? apis_.Of(*category) : nullptr;
  if (secret == nullptr) return std::nullopt;
  if (request.headers.Has(secret->key) && request.headers.Get(secret->key) == secret->value)
    return std::nullopt;
  return ErrorReply(403, MakeStatus(Code::kPermissionDenied,
                                    "This API is restricted, expecting header '{}'", secret->key));
}

}  // namespace sarai::instance
