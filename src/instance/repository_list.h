// What the model repositories hold now, local folders and prefixes of object stores alike. Every
// call blocks and looks anew.
//
// Its place: called on the worker's threads, and at start. Threads: any. Names only are read where
// names are asked for: ten thousand models are one listing.
#pragma once

#include <string>
#include <vector>

#include "base/status.h"
#include "instance/artifact_source.h"
#include "instance/catalog.h"
#include "policy/model_control.h"

namespace sarai::instance {

struct ListedModel {
  std::string name;
  std::vector<std::string> places;  // repositories; more than one: it is ambiguous
};

class RepositoryList {
 public:
  // Both outlive it.
  RepositoryList(const Catalog& catalog, const ArtifactSource& source)
      : catalog_(catalog), source_(source) {}

  // By name. Errors: those of the store, kResourceExhausted past a bound.
  Result<std::vector<ListedModel>> Names() const;
  // With what tells one state of their files from another; without those that are ambiguous.
  Result<policy::RepositoryTags> Tags() const;

  // Whether looking asks a server.
  bool remote() const;

 private:
  const Catalog& catalog_;
  const ArtifactSource& source_;
};

}  // namespace sarai::instance
