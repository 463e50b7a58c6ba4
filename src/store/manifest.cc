#include "store/manifest.h"

#include <algorithm>
#include <deque>
#include <vector>

#include "base/strings.h"
#include "store/entry_path.h"
#include "store/sha256.h"

namespace sarai::store {
namespace {

using Kind = ManifestEntry::Kind;

constexpr int kMaxLinkSteps = 40;  // Linux's own bound

std::string_view KindName(Kind kind) {
  switch (kind) {
    case Kind::kFolder: return "folder";
    case Kind::kFile: return "file";
    case Kind::kSymlink: return "link";
  }
  return "entry";
}

}  // namespace

Status Manifest::CheckPlace(const std::string& path, Kind kind) const {
  if (path.empty() && kind != Kind::kFolder) {
    return MakeStatus(Code::kDataLoss, "the archive's root is a {}", KindName(kind));
  }
  for (std::string_view parent = ParentPath(path); !parent.empty(); parent = ParentPath(parent)) {
    const auto found = entries_.find(parent);
    if (found == entries_.end() || found->second.kind == Kind::kFolder) continue;
    return MakeStatus(Code::kDataLoss, "the entry '{}' goes through the {} '{}'", ShownName(path),
                      KindName(found->second.kind), ShownName(parent));
  }
  const auto same = entries_.find(path);
  if (same == entries_.end() || same->second.kind == kind) return {};
  return MakeStatus(Code::kDataLoss, "the entry '{}' is a {} and, earlier, a {}", ShownName(path),
                    KindName(kind), KindName(same->second.kind));
}

Status Manifest::Add(const std::string& path, ManifestEntry entry) {
  SARAI_CHECK_OK(CheckPlace(path, entry.kind));
  if (path.empty()) return {};
  SARAI_CHECK_OK(AddParents(path));
  entries_[path] = std::move(entry);
  if (entries_.size() <= max_entries_) return {};
  return MakeStatus(Code::kResourceExhausted, "more than {} files and folders", max_entries_);
}

Status Manifest::AddParents(std::string_view path) {
  std::string_view parent = ParentPath(path);
  if (parent.empty() || entries_.contains(parent)) return {};
  for (; !parent.empty(); parent = ParentPath(parent)) entries_.try_emplace(std::string(parent));
  return {};
}

Status Manifest::AddFolder(const std::string& path) { return Add(path, {.kind = Kind::kFolder}); }

Status Manifest::AddFile(const std::string& path, FileContent content) {
  return Add(path, {.kind = Kind::kFile, .content = std::move(content)});
}

Status Manifest::AddSymlink(const std::string& path, const std::string& target) {
  return Add(path, {.kind = Kind::kSymlink, .target = target});
}

Status Manifest::AddHardLink(const std::string& path, const std::string& target) {
  const auto found = entries_.find(target);
  if (found == entries_.end() || found->second.kind != Kind::kFile) {
    return MakeStatus(Code::kDataLoss, "the entry '{}' is a hard link to '{}', no earlier file",
                      ShownName(path), ShownName(target));
  }
  return AddFile(path, found->second.content);
}

Status Manifest::CheckLinks() const {
  for (const auto& [path, entry] : entries_) {
    if (entry.kind == Kind::kSymlink) SARAI_CHECK_OK(CheckLink(path, entry.target));
  }
  return {};
}

Status Manifest::CheckLink(const std::string& path, const std::string& target) const {
  const auto refuse = [&](std::string_view why) {
    return MakeStatus(Code::kDataLoss, "the link '{}' -> '{}' {}", ShownName(path),
                      ShownName(target), why);
  };
  if (target.empty()) return refuse("leads nowhere");
  std::string at(ParentPath(path));
  std::deque<std::string> ahead;
  const auto go = [&ahead](std::string_view text) {
    const auto parts = Split(text, '/');
    ahead.insert(ahead.begin(), parts.begin(), parts.end());
  };
  go(target);
  if (target.starts_with('/')) return refuse("leaves the archive");
  for (int steps = 0; !ahead.empty();) {
    const std::string part = std::move(ahead.front());
    ahead.pop_front();
    if (part.empty() || part == ".") continue;
    if (part == "..") {
      if (at.empty()) return refuse("leaves the archive");
      at = ParentPath(at);
      continue;
    }
    const std::string next = at.empty() ? part : at + '/' + part;
    const auto found = entries_.find(next);
    if (found == entries_.end() || found->second.kind != Kind::kSymlink) {
      at = next;
      continue;
    }
    if (++steps > kMaxLinkSteps) return refuse("goes in circles");
    if (found->second.target.starts_with('/')) return refuse("leaves the archive");
    go(found->second.target);
  }
  return {};
}

uint64_t Manifest::bytes() const {
  uint64_t sum = 0;
  for (const auto& [path, entry] : entries_) sum += entry.content.size;
  return sum;
}

bool Manifest::has_files() const {
  return std::ranges::any_of(entries_,
                             [](const auto& item) { return item.second.kind == Kind::kFile; });
}

}  // namespace sarai::store
