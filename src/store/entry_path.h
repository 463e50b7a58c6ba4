// The names inside an artifact, made harmless.
#pragma once

#include <string>
#include <string_view>

#include "base/status.h"

namespace sarai::store {

constexpr size_t kMaxEntryPathBytes = 4096;
constexpr size_t kMaxEntryDepth = 64;

// "./a//b/" -> "a/b"; "" for the root itself. Errors (kDataLoss, naming the entry): an absolute
// path, a ".." part, control characters, a path or part too long, a path too deep.
Result<std::string> NormalizeEntryPath(std::string_view name);

// The entry's name as it may be shown: control characters replaced, cut to 200 bytes.
std::string ShownName(std::string_view name);

// "a/b/c" -> "a/b"; "" for a top-level name.
std::string_view ParentPath(std::string_view path);

}  // namespace sarai::store
