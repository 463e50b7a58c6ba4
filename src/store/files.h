// The few file operations that the disk tier is made of; each names its path when it fails.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/status.h"

namespace sarai::store {

Status MakeDirectory(const std::string& path);  // fine when it is there

// Removes a file or a whole folder, read-only folders inside it as well; fine when it is gone.
Status RemoveAll(const std::string& path);

Status WriteAll(int fd, std::span<const std::byte> bytes, const std::string& path);

// The whole file. Errors: kNotFound; kDataLoss when it is longer than `max_bytes`.
Result<std::string> ReadFile(const std::string& path, uint64_t max_bytes);

// Makes `path` hold `text` by way of `scratch`, a free name on the same file system: a crash leaves
// the old contents or the new ones.
Status ReplaceFile(const std::string& path, std::string_view text, const std::string& scratch);

Status Rename(const std::string& from, const std::string& to);

}  // namespace sarai::store
