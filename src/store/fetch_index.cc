#include "store/fetch_index.h"

#include <algorithm>
#include <filesystem>

#include <boost/json.hpp>

#include "base/log.h"
#include "store/files.h"
#include "store/os_error.h"
#include "store/sha256.h"

namespace sarai::store {
namespace fs = std::filesystem;
namespace json = boost::json;
namespace {

constexpr size_t kMaxVersions = 16;  // per object
constexpr uint64_t kMaxFileBytes = 1u << 20;

std::string Text(const std::string& url, const std::vector<FetchIndex::Version>& versions) {
  json::array list;
  for (const auto& version : versions) {
    list.push_back({{"etag", version.etag}, {"digest", version.digest}});
  }
  return json::serialize(json::object{{"url", url}, {"versions", std::move(list)}}) + '\n';
}

// Throws what boost::json throws when the text is something else.
std::pair<std::string, std::vector<FetchIndex::Version>> Parse(std::string_view text) {
  const json::value root = json::parse(text);
  std::vector<FetchIndex::Version> versions;
  for (const json::value& item : root.at("versions").as_array()) {
    versions.push_back({.etag = std::string(item.at("etag").as_string()),
                        .digest = std::string(item.at("digest").as_string())});
  }
  return {std::string(root.at("url").as_string()), std::move(versions)};
}

}  // namespace

std::string FetchIndex::PathOf(const std::string& url) const {
  return fmt::format("{}/{}.json", directory_, Sha256Hex(url));
}

Status FetchIndex::Open(const std::function<bool(const std::string& digest)>& is_here) {
  SARAI_CHECK_OK(MakeDirectory(directory_));
  std::vector<std::string> paths;
  std::error_code error;
  for (fs::directory_iterator it(directory_, error), end; !error && it != end;
       it.increment(error)) {
    paths.push_back(it->path().string());
  }
  if (error) return OsError(error.value(), "reading folder", directory_);
  for (const std::string& path : paths) {
    const Status read = Read(path, is_here);
    if (read.ok()) continue;
    if (read.code() != Code::kNotFound)
      LogWarning("store", "dropping '{}': {}", path, read.message());
    SARAI_CHECK_OK(RemoveAll(path));
  }
  return {};
}

Status FetchIndex::Read(const std::string& path,
                        const std::function<bool(const std::string&)>& is_here) {
  SARAI_TRY(const std::string text, ReadFile(path, kMaxFileBytes));
  try {
    auto [url, versions] = Parse(text);
    if (PathOf(url) != path) return {Code::kDataLoss, "its name is not its URL's"};
    std::erase_if(versions, [&](const Version& version) { return !is_here(version.digest); });
    if (versions.empty()) return {Code::kNotFound, "nothing of it is left"};
    urls_[url] = std::move(versions);
    return {};
  } catch (const std::exception& error) {
    return MakeStatus(Code::kDataLoss, "not an index file: {}", error.what());
  }
}

Status FetchIndex::Write(const std::string& url, const Versions& versions,
                         const std::string& scratch) const {
  if (versions.empty()) return RemoveAll(PathOf(url));
  return ReplaceFile(PathOf(url), Text(url, versions), scratch);
}

Status FetchIndex::Record(const std::string& url, const Version& version,
                          const std::string& scratch) {
  const auto found = urls_.find(url);
  Versions versions = found == urls_.end() ? Versions() : found->second;
  std::erase_if(versions, [&](const Version& old) { return old.etag == version.etag; });
  versions.push_back(version);
  if (versions.size() > kMaxVersions) versions.erase(versions.begin());
  SARAI_CHECK_OK(Write(url, versions, scratch));
  urls_[url] = std::move(versions);
  return {};
}

void FetchIndex::Forget(const std::string& digest, const std::string& scratch) {
  for (auto it = urls_.begin(); it != urls_.end();) {
    const auto current = it++;
    auto& [url, versions] = *current;
    const size_t forgotten =
        std::erase_if(versions, [&](const Version& version) { return version.digest == digest; });
    if (forgotten == 0) continue;
    const Status written = Write(url, versions, scratch);
    if (!written.ok()) LogWarning("store", "the index is behind: {}", written.message());
    if (versions.empty()) urls_.erase(current);
  }
}

std::optional<std::string> FetchIndex::Find(const std::string& url, const std::string& etag) const {
  const auto found = urls_.find(url);
  if (found == urls_.end()) return std::nullopt;
  const auto version = std::ranges::find(found->second, etag, &Version::etag);
  if (version == found->second.end()) return std::nullopt;
  return version->digest;
}

std::optional<FetchIndex::Version> FetchIndex::Last(const std::string& url) const {
  const auto found = urls_.find(url);
  if (found == urls_.end()) return std::nullopt;
  return found->second.back();
}

std::map<std::string, std::pair<std::string, FetchIndex::Version>> FetchIndex::Sources() const {
  std::map<std::string, std::pair<std::string, Version>> sources;
  for (const auto& [url, versions] : urls_) {
    for (const Version& version : versions) {
      sources.try_emplace(version.digest, std::pair(url, version));
    }
  }
  return sources;
}

bool FetchIndex::Knows(const std::string& digest) const {
  return std::ranges::any_of(urls_, [&](const auto& item) {
    return std::ranges::find(item.second, digest, &Version::digest) != item.second.end();
  });
}

}  // namespace sarai::store
