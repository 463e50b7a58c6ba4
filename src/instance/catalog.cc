#include "instance/catalog.h"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "base/strings.h"

namespace sarai::instance {
namespace fs = std::filesystem;
namespace {

constexpr size_t kMaxNameBytes = 1024;  // TargetModel's bound in the InvokeEndpoint API

bool IsFolder(const std::string& path) {
  std::error_code error;
  return fs::is_directory(path, error);
}

std::string Absolute(const std::string& path) {
  std::error_code error;
  const fs::path absolute = fs::absolute(path, error);
  return error ? path : absolute.lexically_normal().string();
}

bool HasControlCharacters(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

std::string LastSegment(std::string_view url) {
  while (url.ends_with('/')) url.remove_suffix(1);
  return std::string(url.substr(url.rfind('/') + 1));
}

}  // namespace

bool IsFolderName(std::string_view name) {
  return !name.empty() && name != "." && name != ".." && name.find('/') == name.npos &&
         name.size() <= kMaxNameBytes && !HasControlCharacters(name);
}

Result<Catalog> Catalog::Open(const CatalogOptions& options) {
  Catalog catalog;
  if (!options.source_url.empty()) {
    SARAI_TRY(catalog.source_, store::ParseLocation(options.source_url));
    catalog.stores_.push_back({.location = *catalog.source_, .endpoint = ""});
  }
  for (const std::string& url : options.model_repositories)
    SARAI_CHECK_OK(catalog.AddRepository(url));
  if (options.single_model) {
    catalog.single_model_ = LastSegment(catalog.source_->key);
    if (catalog.single_model_->empty())
      return Error(Code::kInvalidArgument, "'{}' names no single model", options.source_url);
  }
  return catalog;
}

Status Catalog::AddRepository(const std::string& url) {
  SARAI_TRY(const store::RepositoryUrl parsed, store::ParseRepositoryUrl(url));
  Repository added{.remote = parsed.remote};
  if (parsed.remote) {
    if (source_)
      return MakeStatus(Code::kInvalidArgument,
                        "model repository '{}' and a source URL: give one of them", url);
    added.base = parsed.base();
    added.key = parsed.location.key;
    added.store = stores_.size();
    stores_.push_back({.location = parsed.location, .endpoint = parsed.endpoint});
  } else {
    if (!IsFolder(parsed.path))
      return MakeStatus(Code::kNotFound, "model repository '{}' is no folder", url);
    added.base = Absolute(parsed.path);
  }
  // Naming one twice makes no model ambiguous.
  if (std::ranges::find(repositories_, added.base, &Repository::base) == repositories_.end())
    repositories_.push_back(std::move(added));
  return {};
}

Result<ModelOrigin> Catalog::Find(const std::string& name) const {
  if (IsFolderName(name)) {
    SARAI_TRY(auto found, FindInRepositories(name));
    if (found) return std::move(*found);
  }
  if (source_) return FindInSource(name);
  return Error(Code::kNotFound, "Request for unknown model: '{}' is not found", name);
}

Status Catalog::Ambiguous(const std::string& name, const std::vector<std::string>& places) {
  return MakeStatus(Code::kNotFound,
                    "Request for unknown model: '{}' is not found: it is in several repositories "
                    "({}): keep one of them",
                    name, Join(places, ", "));
}

Result<std::optional<ModelOrigin>> Catalog::FindInRepositories(const std::string& name) const {
  std::vector<ModelOrigin> remote;
  std::vector<std::string> local;
  for (const Repository& repository : repositories_) {
    if (repository.remote) {
      remote.push_back({.kind = OriginKind::kSource,
                        .url = repository.base + name + "/",
                        .key = repository.key + name + "/",
                        .store = repository.store,
                        .repository = true});
    } else if (const std::string path = repository.base + "/" + name; IsFolder(path)) {
      local.push_back(path);
    }
  }
  if (local.size() > 1) return Error(Ambiguous(name, local));
  if (local.empty() && remote.empty()) return std::nullopt;
  ModelOrigin origin;
  if (!local.empty()) {
    origin = {.kind = OriginKind::kRepository, .url = local.front(), .repository = true};
  } else {
    origin = std::move(remote.front());
    remote.erase(remote.begin());
  }
  origin.others = std::move(remote);
  return origin;
}

Result<ModelOrigin> Catalog::FindInSource(const std::string& name) const {
  if (single_model_) {
    if (name != *single_model_)
      return Error(Code::kNotFound, "this instance serves the single model '{}', not '{}'",
                   *single_model_, name);
    // A local folder is served where it lies; everything else is fetched.
    if (source_->scheme == "file" && IsFolder(source_->key))
      return ModelOrigin{.kind = OriginKind::kLocal, .url = Absolute(source_->key), .pinned = true};
    return ModelOrigin{.kind = OriginKind::kSource,
                       .url = store::LocationUrl(*source_),
                       .key = source_->key,
                       .pinned = true};
  }
  store::Location location = *source_;
  SARAI_TRY(location.key, store::JoinKey(*source_, name));
  return ModelOrigin{
      .kind = OriginKind::kSource, .url = store::LocationUrl(location), .key = location.key};
}

std::optional<std::pair<std::string, ModelOrigin>> Catalog::OriginOf(const std::string& url) const {
  for (const Repository& repository : repositories_) {
    if (!repository.remote || !url.starts_with(repository.base) || !url.ends_with('/')) continue;
    const std::string name =
        url.substr(repository.base.size(), url.size() - repository.base.size() - 1);
    if (!IsFolderName(name)) continue;
    return std::pair(name, ModelOrigin{.kind = OriginKind::kSource,
                                       .url = url,
                                       .key = repository.key + name + "/",
                                       .store = repository.store,
                                       .repository = true});
  }
  if (!source_) return std::nullopt;
  std::string name;
  if (single_model_) {
    name = *single_model_;
  } else if (const auto location = store::ParseLocation(url);
             location && location->key.starts_with(source_->key)) {
    name = location->key.substr(source_->key.size());
    if (name.starts_with('/')) name.erase(0, 1);
  }
  auto origin = Find(name);
  if (!origin || origin->url != url) return std::nullopt;
  return std::pair(name, std::move(*origin));
}

}  // namespace sarai::instance
