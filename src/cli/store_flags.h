// Flags about the object store, the same for `serve` and `instance`.
#pragma once

#include "store/open_store.h"

namespace CLI {
class App;
}

namespace sarai::cli {

void AddStoreFlags(CLI::App& app, store::S3Options& options);

// Fills the endpoint from AWS_ENDPOINT_URL_S3 where no flag gave one.
void ApplyStoreEnvironment(const store::Environment& environment, store::S3Options& options);

}  // namespace sarai::cli
