#include "gateway/kserve/repository_index.h"

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "wire/http/text_of.h"
#include "wire/json/json.h"

namespace sarai::gateway {
namespace {

using kserve::IndexEntry;

constexpr size_t kMaxIndexBytes = 64u << 20;
constexpr std::array<std::string_view, 4> kBestFirst = {"READY", "LOADING", "UNLOADING",
                                                        "UNAVAILABLE"};

size_t RankOf(const IndexEntry& entry) {
  return std::ranges::find(kBestFirst, entry.state) - kBestFirst.begin();
}

std::string TextOf(const json::Object& row, std::string_view member) {
  return json::ObjectView(row).String(member).value_or(std::nullopt).value_or("");
}

// By name, then by version.
using Merged = std::map<std::string, std::map<std::string, IndexEntry>>;

void Add(const json::Object& row, Merged& merged) {
  IndexEntry entry{.name = TextOf(row, "name"),
                   .version = TextOf(row, "version"),
                   .state = TextOf(row, "state"),
                   .reason = TextOf(row, "reason")};
  if (entry.name.empty()) return;
  auto& versions = merged[entry.name];
  const auto [it, is_new] = versions.try_emplace(entry.version, entry);
  if (!is_new && RankOf(entry) < RankOf(it->second)) it->second = std::move(entry);
}

}  // namespace

std::vector<IndexEntry> MergeIndexes(const std::vector<http::Response>& answers) {
  Merged merged;
  for (const http::Response& answer : answers) {
    const auto rows = json::Parse(http::TextOf(answer), {.max_bytes = kMaxIndexBytes});
    if (!rows || !rows->is_array()) continue;
    for (const json::Value& row : rows->get_array())
      if (row.is_object()) Add(row.get_object(), merged);
  }
  std::vector<IndexEntry> entries;
  for (auto& [name, versions] : merged) {
    if (versions.size() > 1) versions.erase("");  // some instance knows more
    for (auto& [version, entry] : versions) entries.push_back(std::move(entry));
  }
  return entries;
}

IndexPage PageOf(const std::vector<IndexEntry>& entries, const std::string& after, size_t limit) {
  auto it = std::ranges::upper_bound(entries, after, {}, &IndexEntry::name);
  IndexPage page;
  for (; it != entries.end(); ++it) {
    const bool same_name = !page.entries.empty() && page.entries.back().name == it->name;
    if (page.entries.size() >= limit && !same_name) break;
    page.entries.push_back(*it);
  }
  if (it != entries.end()) page.next = page.entries.empty() ? after : page.entries.back().name;
  return page;
}

}  // namespace sarai::gateway
