// Gets the parts of something side by side and hands them on in order. At most `workers` parts are
// in memory at any time, being fetched, waiting for their turn, or being handed on.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/status.h"
#include "store/cancellation.h"

namespace sarai::store {

// `fetch` gets part `index`; called from several threads, and should give up when it is cancelled.
using FetchPart = std::function<Result<std::string>(uint64_t index, Cancellation&)>;
// Takes the parts in order, on the calling thread.
using TakePart = std::function<Status(std::string)>;

// The first error of either ends it all and is returned, once every thread has ended.
Status DeliverParts(uint64_t parts, int workers, const FetchPart& fetch, const TakePart& take);

}  // namespace sarai::store
