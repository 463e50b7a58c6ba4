// Where a model comes from, by its name. Names come from clients: they are checked here, before
// anything is done with them.
//
// Its place: asked by the model manager when a name turns up for the first time. It knows folders
// and URLs, not what is loaded. Threads: immutable; Find and RepositoryModels look at the file
// system.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "store/open_store.h"

namespace sarai::instance {

enum class OriginKind {
  kRepository,  // a folder in a model repository: its files are the user's, never deleted
  kSource,      // an object below the source URL: fetched into the disk tier
  kLocal,       // a local path, loaded because somebody said so: pinned, its files are the user's
};

struct ModelOrigin {
  OriginKind kind = OriginKind::kRepository;
  std::string url;      // kSource: the object's whole URL; otherwise the folder's path
  std::string key;      // kSource: the object's key in the store
  bool pinned = false;  // never evicted
  bool user_files() const { return kind != OriginKind::kSource; }
};

struct CatalogOptions {
  std::vector<std::string> model_repositories;
  std::string source_url;     // empty = none
  bool single_model = false;  // source_url is the one model
};

class Catalog {
 public:
  // Errors: kNotFound for a repository that is no folder, kInvalidArgument for a source URL that
  // cannot be parsed.
  static Result<Catalog> Open(const CatalogOptions& options);

  // Errors: kInvalidArgument for a name no model can have, kNotFound, kFailedPrecondition for a
  // name that two repositories hold.
  Result<ModelOrigin> Find(const std::string& name) const;

  // The names of all model folders now, sorted.
  std::vector<std::string> RepositoryModels() const;

  // The one model's name, in single-model mode.
  const std::optional<std::string>& single_model() const { return single_model_; }
  // The store that kSource origins' keys are for.
  const std::optional<store::Location>& source() const { return source_; }

 private:
  Result<ModelOrigin> FindInRepositories(const std::string& name) const;
  Result<ModelOrigin> FindInSource(const std::string& name) const;

  std::vector<std::string> repositories_;  // absolute
  std::optional<store::Location> source_;
  std::optional<std::string> single_model_;
};

// One path segment that is safe to put below a folder: not empty, ".", "..", and no separator.
bool IsFolderName(std::string_view name);

}  // namespace sarai::instance
