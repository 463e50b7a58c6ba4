#include "instance/catalog.h"

#include <algorithm>
#include <filesystem>
#include <set>
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
  for (const std::string& path : options.model_repositories) {
    if (!IsFolder(path)) return Error(Code::kNotFound, "model repository '{}' is no folder", path);
    catalog.repositories_.push_back(Absolute(path));
  }
  if (options.source_url.empty()) return catalog;
  SARAI_TRY(catalog.source_, store::ParseLocation(options.source_url));
  if (options.single_model) {
    catalog.single_model_ = LastSegment(catalog.source_->key);
    if (catalog.single_model_->empty())
      return Error(Code::kInvalidArgument, "'{}' names no single model", options.source_url);
  }
  return catalog;
}

namespace {

// Triton's words: its clients look for them.
std::unexpected<Status> Unknown(const std::string& name) {
  return Error(Code::kNotFound, "Request for unknown model: '{}' is not found", name);
}

}  // namespace

Result<ModelOrigin> Catalog::Find(const std::string& name) const {
  if (IsFolderName(name)) {
    auto found = FindInRepositories(name);
    if (found || found.error().code() != Code::kNotFound || !source_) return found;
  }
  if (source_) return FindInSource(name);
  return Unknown(name);
}

Result<ModelOrigin> Catalog::FindInRepositories(const std::string& name) const {
  std::vector<std::string> found;
  for (const std::string& repository : repositories_)
    if (const std::string path = repository + "/" + name; IsFolder(path)) found.push_back(path);
  if (found.empty()) return Unknown(name);
  if (found.size() > 1)
    return Error(Code::kFailedPrecondition,
                 "model '{}' is in two repositories ({}): keep one of them", name,
                 Join(found, ", "));
  return ModelOrigin{.kind = OriginKind::kRepository, .url = found.front()};
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

std::vector<std::string> Catalog::RepositoryModels() const {
  std::set<std::string> names;
  for (const std::string& repository : repositories_) {
    std::error_code error;
    for (fs::directory_iterator it(repository, error), end; !error && it != end;
         it.increment(error)) {
      const std::string name = it->path().filename().string();
      std::error_code ignored;
      if (!name.starts_with('.') && it->is_directory(ignored)) names.insert(name);
    }
  }
  return {names.begin(), names.end()};
}

}  // namespace sarai::instance
