// errno as a Status: a full disk, a missing file and a refused one are told apart.
#pragma once

#include <string_view>

#include "base/status.h"

namespace sarai::store {

// "writing '/x/y': No space left on device". ENOSPC, EDQUOT and EFBIG are kResourceExhausted.
Status OsError(int error, std::string_view doing, std::string_view path);

}  // namespace sarai::store
