// Where an instance's models are fetched from, and the disk that they are fetched to.
#pragma once

#include <memory>

#include "base/clock.h"
#include "base/status.h"
#include "instance/artifact_source.h"
#include "instance/catalog.h"
#include "instance/options.h"
#include "store/disk_tier.h"
#include "store/object_store.h"

namespace sarai::instance {

struct Storage {
  ObjectStores stores;                    // one for each of Catalog::stores
  std::unique_ptr<store::DiskTier> disk;  // null when there are none
};

// `first` stands in for the first store; null = open that too. Errors name the store or the folder.
Result<Storage> OpenStorage(const Catalog& catalog, const InstanceOptions& options,
                            const Clock& clock, std::shared_ptr<store::ObjectStore> first);

}  // namespace sarai::instance
