#include "instance/repository_list.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <system_error>
#include <utility>

#include "base/log.h"
#include "instance/model_folder.h"
#include "store/sha256.h"

namespace sarai::instance {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxModels = 200'000;
constexpr size_t kMaxObjects = 5'000'000;  // of one remote repository

using Tags = std::map<std::string, std::string>;

Status TooMany(const Repository& repository, size_t bound) {
  return MakeStatus(Code::kResourceExhausted, "model repository '{}' holds more than {} entries",
                    repository.base, bound);
}

bool IsModelName(const std::string& name) { return IsFolderName(name) && !name.starts_with('.'); }

Result<std::vector<std::string>> LocalNames(const Repository& repository) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator it(repository.base, error), end; !error && it != end;
       it.increment(error)) {
    std::error_code ignored;
    std::string name = it->path().filename();
    if (IsModelName(name) && it->is_directory(ignored)) names.push_back(std::move(name));
    if (names.size() > kMaxModels) return Error(TooMany(repository, kMaxModels));
  }
  if (error)
    return Error(Code::kUnavailable, "cannot read model repository '{}': {}", repository.base,
                 error.message());
  return names;
}

// "prefix/NAME/…" -> NAME; empty for what is no model's.
std::string NameIn(const Repository& repository, std::string_view key) {
  if (!key.starts_with(repository.key)) return "";
  key.remove_prefix(repository.key.size());
  const size_t slash = key.find('/');
  if (slash == std::string_view::npos) return "";
  std::string name(key.substr(0, slash));
  return IsModelName(name) ? name : "";
}

Result<std::vector<std::string>> RemoteNames(const Repository& repository,
                                             store::ObjectStore& objects) {
  std::vector<std::string> names;
  std::string continuation;
  do {
    SARAI_TRY(store::ListPage page, objects.List(repository.key, /*by_folder=*/true, continuation));
    for (const std::string& prefix : page.prefixes)
      if (std::string name = NameIn(repository, prefix); !name.empty())
        names.push_back(std::move(name));
    if (names.size() > kMaxModels) return Error(TooMany(repository, kMaxModels));
    continuation = std::move(page.continuation);
  } while (!continuation.empty());
  return names;
}

Result<Tags> LocalTags(const Repository& repository) {
  SARAI_TRY(const std::vector<std::string> names, LocalNames(repository));
  Tags tags;
  for (const std::string& name : names) {
    // One that vanishes, or cannot be read for the moment, is not there.
    if (auto facts = LookAtFolder(repository.base + "/" + name))
      tags.emplace(name, std::move(facts->fingerprint));
  }
  return tags;
}

// One listing of everything: as many requests as there are thousands of objects.
Result<Tags> RemoteTags(const Repository& repository, store::ObjectStore& objects) {
  std::map<std::string, store::Sha256> hashes;
  std::string continuation;
  size_t seen = 0;
  do {
    SARAI_TRY(store::ListPage page,
              objects.List(repository.key, /*by_folder=*/false, continuation));
    for (const store::ObjectInfo& object : page.objects) {
      const std::string name = NameIn(repository, object.key);
      if (name.empty()) continue;
      const std::string line = fmt::format("{}\n{}\n{}\n", object.key, object.etag, object.size);
      hashes[name].Update(std::as_bytes(std::span(line)));
    }
    if ((seen += page.objects.size()) > kMaxObjects) return Error(TooMany(repository, kMaxObjects));
    continuation = std::move(page.continuation);
  } while (!continuation.empty());
  Tags tags;
  for (auto& [name, hash] : hashes) tags.emplace(name, hash.Finish());
  return tags;
}

}  // namespace

bool RepositoryList::remote() const {
  return std::ranges::any_of(catalog_.repositories(), &Repository::remote);
}

Result<std::vector<ListedModel>> RepositoryList::Names() const {
  std::map<std::string, std::vector<std::string>> places;
  for (const Repository& repository : catalog_.repositories()) {
    std::vector<std::string> names;
    if (repository.remote) {
      const auto objects = source_.Objects(repository.store);
      SARAI_TRY(names, RemoteNames(repository, *objects));
    } else {
      SARAI_TRY(names, LocalNames(repository));
    }
    for (const std::string& name : names) places[name].push_back(repository.base);
  }
  std::vector<ListedModel> listed;
  listed.reserve(places.size());
  for (auto& [name, where] : places) listed.push_back({name, std::move(where)});
  return listed;
}

Result<policy::RepositoryTags> RepositoryList::Tags() const {
  policy::RepositoryTags all;
  std::map<std::string, std::vector<std::string>> places;
  for (const Repository& repository : catalog_.repositories()) {
    instance::Tags tags;
    if (repository.remote) {
      const auto objects = source_.Objects(repository.store);
      SARAI_TRY(tags, RemoteTags(repository, *objects));
    } else {
      SARAI_TRY(tags, LocalTags(repository));
    }
    for (auto& [name, tag] : tags) {
      places[name].push_back(repository.base);
      all[name] = std::move(tag);
    }
  }
  for (const auto& [name, where] : places) {
    if (where.size() < 2) continue;
    LogWarning("instance", "{}", Catalog::Ambiguous(name, where).message());
    all.erase(name);
  }
  return all;
}

}  // namespace sarai::instance
