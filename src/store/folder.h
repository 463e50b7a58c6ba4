// A "folder" of loose objects as one thing with one version.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"
#include "store/object_store.h"
#include "store/tree_builder.h"

namespace sarai::store {

struct Folder {
  ObjectInfo info;                  // key = the prefix; etag covers every object's name and etag
  std::vector<ObjectInfo> objects;  // by key
};

// Lists every object below `prefix` (which ends in "/"). Errors: kNotFound when there is none;
// kResourceExhausted past `max_objects`.
Result<Folder> ListFolder(ObjectStore& store, const std::string& prefix, uint64_t max_objects);

// Every object below the prefix as a file of the same relative path; a key that ends in "/" is a
// folder. Errors: those of ObjectStore::Get and TreeBuilder.
Status CopyFolderInto(TreeBuilder& builder, ObjectStore& store, const Folder& folder);

}  // namespace sarai::store
