// Where a model comes from, by its name. Names come from clients: they are checked here, before
// anything is done with them.
//
// Its place: asked by the model manager when a name turns up for the first time. It knows folders
// and URLs, not what is loaded. Threads: immutable; Find looks at the local file system, never at
// the network: where only an object store could tell, the origin names all places it may be.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "store/open_store.h"
#include "store/repository_url.h"

namespace sarai::instance {

enum class OriginKind {
  kRepository,  // a folder in a local model repository: its files are the user's, never deleted
  kSource,      // below the source URL or in a remote repository: fetched into the disk tier
  kLocal,       // a local path, loaded because somebody said so: pinned, its files are the user's
};

struct ModelOrigin {
  OriginKind kind = OriginKind::kRepository;
  std::string url;                  // kSource: the object's whole URL; otherwise the folder's path
  std::string key;                  // kSource: the object's key in the store
  size_t store = 0;                 // kSource: which of Catalog::stores
  bool pinned = false;              // never evicted
  bool repository = false;          // of a model repository, local or not
  std::vector<ModelOrigin> others;  // where else it may be: a look-up finds the one that is there
  bool user_files() const { return kind != OriginKind::kSource; }
};

struct CatalogOptions {
  std::vector<std::string> model_repositories;
  std::string source_url;     // empty = none
  bool single_model = false;  // source_url is the one model
};

// An object store that origins' keys are for.
struct StoreAddress {
  store::Location location;
  std::string endpoint;  // empty = the usual one
};

// A model repository.
struct Repository {
  bool remote = false;
  std::string base;  // local: absolute path; remote: its URL, which ends in "/"
  std::string key;   // remote: the prefix, empty or ending in "/"
  size_t store = 0;  // remote: which of Catalog::stores
};

class Catalog {
 public:
  // Errors: kNotFound for a repository that is no folder, kInvalidArgument for a URL that cannot be
  // parsed.
  static Result<Catalog> Open(const CatalogOptions& options);

  // Errors: kInvalidArgument for a name no model can have, kNotFound, Ambiguous's.
  Result<ModelOrigin> Find(const std::string& name) const;
  // The name and origin of what was fetched from this URL; nothing if nothing leads there.
  std::optional<std::pair<std::string, ModelOrigin>> OriginOf(const std::string& url) const;
  // What somebody hears who asks for a name that several repositories hold.
  static Status Ambiguous(const std::string& name, const std::vector<std::string>& places);

  const std::vector<Repository>& repositories() const { return repositories_; }
  // The one model's name, in single-model mode.
  const std::optional<std::string>& single_model() const { return single_model_; }
  // The source URL; its store is the first of stores().
  const std::optional<store::Location>& source() const { return source_; }
  const std::vector<StoreAddress>& stores() const { return stores_; }

 private:
  Status AddRepository(const std::string& url);
  Result<std::optional<ModelOrigin>> FindInRepositories(const std::string& name) const;
  Result<ModelOrigin> FindInSource(const std::string& name) const;

  std::vector<Repository> repositories_;
  std::vector<StoreAddress> stores_;
  std::optional<store::Location> source_;
  std::optional<std::string> single_model_;
};

// One path segment that is safe to put below a folder: not empty, ".", "..", and no separator.
bool IsFolderName(std::string_view name);

}  // namespace sarai::instance
