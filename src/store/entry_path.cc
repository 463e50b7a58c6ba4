#include "store/entry_path.h"

#include <algorithm>

#include "base/strings.h"

namespace sarai::store {
namespace {

constexpr size_t kMaxPartBytes = 255;  // what Linux file systems take
constexpr size_t kMaxShownBytes = 200;

bool IsControl(unsigned char c) { return c < 0x20 || c == 0x7f; }

std::unexpected<Status> Refuse(std::string_view name, std::string_view reason) {
  return Error(Code::kDataLoss, "the entry '{}' {}", ShownName(name), reason);
}

}  // namespace

std::string ShownName(std::string_view name) {
  std::string shown(name.substr(0, kMaxShownBytes));
  std::ranges::replace_if(shown, IsControl, '?');
  if (name.size() > kMaxShownBytes) shown += "…";
  return shown;
}

Result<std::string> NormalizeEntryPath(std::string_view name) {
  if (name.empty()) return Refuse(name, "has no name");
  if (name.starts_with('/')) return Refuse(name, "has an absolute path");
  if (name.size() > kMaxEntryPathBytes) return Refuse(name, "has a path longer than 4096 bytes");
  if (std::ranges::any_of(name, IsControl)) return Refuse(name, "has control characters");
  std::string path;
  size_t depth = 0;
  for (const std::string_view part : Split(name, '/')) {
    if (part.empty() || part == ".") continue;
    if (part == "..") return Refuse(name, "has a '..' in its path");
    if (part.size() > kMaxPartBytes) return Refuse(name, "has a part longer than 255 bytes");
    if (++depth > kMaxEntryDepth) return Refuse(name, "is more than 64 folders deep");
    if (!path.empty()) path += '/';
    path += part;
  }
  return path;
}

std::string_view ParentPath(std::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
}

}  // namespace sarai::store
