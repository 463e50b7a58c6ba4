// Objects that are local files; keys are absolute paths. The version tag of a file is its size, its
// time of change and its inode. Stateless: any thread.
#pragma once

#include <string>

#include "store/object_store.h"

namespace sarai::store {

class FileStore final : public ObjectStore {
 public:
  Result<ObjectInfo> Head(const std::string& key) override;
  // Checks the tag on the open file before the first byte and after the last.
  Status Get(const ObjectInfo& info, const ByteSink& sink) override;
  // Walks folders, not symlinks to folders; what is neither file nor folder is left out. Error:
  // kNotFound when the folder that `prefix` lies in does not exist.
  Result<ListPage> List(const std::string& prefix, bool by_folder,
                        const std::string& continuation) override;
};

}  // namespace sarai::store
