#include "instance/storage.h"

#include <utility>

namespace sarai::instance {
namespace {

Result<ObjectStores> OpenStores(const Catalog& catalog, const InstanceOptions& options,
                                const Clock& clock, std::shared_ptr<store::ObjectStore> first) {
  ObjectStores stores;
  for (const StoreAddress& address : catalog.stores()) {
    if (stores.empty() && first != nullptr) {
      stores.push_back(std::move(first));
      continue;
    }
    store::S3Options s3 = options.s3;
    if (!address.endpoint.empty()) s3.endpoint = address.endpoint;
    SARAI_TRY(auto opened,
              store::OpenObjectStore(address.location, s3, options.environment, clock));
    stores.push_back(std::move(opened));
  }
  return stores;
}

}  // namespace

Result<Storage> OpenStorage(const Catalog& catalog, const InstanceOptions& options,
                            const Clock& clock, std::shared_ptr<store::ObjectStore> first) {
  Storage storage;
  SARAI_TRY(storage.stores, OpenStores(catalog, options, clock, std::move(first)));
  if (storage.stores.empty()) return storage;
  if (options.state_directory.empty())
    return Error(Code::kInvalidArgument, "models of '{}' need a state directory to be fetched to",
                 store::LocationUrl(catalog.stores().front().location));
  SARAI_TRY(storage.disk,
            store::DiskTier::Open({.directory = options.state_directory,
                                   .max_unpacked_bytes = options.max_unpacked_bytes}));
  return storage;
}

}  // namespace sarai::instance
