// From the bytes of an archive to the files of a tree, in one pass: inflate and untar and hash and
// write at the same time. libarchive reads the tar format; what its entries may be is ours to say.
#pragma once

#include <functional>

#include "base/status.h"
#include "store/byte_pipe.h"
#include "store/object_store.h"
#include "store/tree_builder.h"

namespace sarai::store {

// Reads a whole tar stream. Errors: kDataLoss for a stream that is no tar, is truncated or corrupt,
// or has an entry that must not be unpacked (named); those of TreeBuilder; the pipe's own.
Status UntarInto(TreeBuilder& builder, BytePipe& pipe, const UnpackLimits& limits);

// Runs `produce`, which pushes the bytes of a .tar, .tar.gz or .tar.zst into the sink it is given,
// on a thread of its own, and unpacks them on this one.
Status UnpackArchive(const std::function<Status(const ByteSink&)>& produce, TreeBuilder& builder,
                     const UnpackLimits& limits);

}  // namespace sarai::store
