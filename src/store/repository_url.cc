#include "store/repository_url.h"

#include <optional>
#include <string_view>
#include <utility>

#include "base/strings.h"

namespace sarai::store {
namespace {

constexpr std::string_view kS3 = "s3://";

struct Endpoint {
  std::string url;
  std::string_view rest;  // "bucket/prefix"
};

bool IsHostAndPort(std::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return false;
  const auto port = ParseInt(text.substr(colon + 1));
  return port && *port > 0 && *port <= 65535;
}

// Of the URL's part after "s3://"; nothing when it begins with the bucket.
std::optional<Endpoint> ReadEndpoint(std::string_view rest) {
  std::string scheme = "http://";
  for (const std::string_view known : {"http://", "https://"}) {
    if (!ToLower(rest.substr(0, known.size())).starts_with(known)) continue;
    scheme = known;
    rest.remove_prefix(known.size());
    const size_t slash = rest.find('/');
    if (slash == std::string_view::npos || slash == 0) return std::nullopt;
    return Endpoint{scheme + std::string(rest.substr(0, slash)), rest.substr(slash + 1)};
  }
  const size_t slash = rest.find('/');
  if (slash == std::string_view::npos || !IsHostAndPort(rest.substr(0, slash))) return std::nullopt;
  return Endpoint{scheme + std::string(rest.substr(0, slash)), rest.substr(slash + 1)};
}

Status EndInSlash(Location& location, const std::string& url) {
  std::string& key = location.key;
  while (key.starts_with('/')) key.erase(0, 1);
  if (key.find("//") != std::string::npos)
    return MakeStatus(Code::kInvalidArgument, "the prefix of '{}' has an empty part", url);
  if (!key.empty() && !key.ends_with('/')) key += '/';
  return {};
}

}  // namespace

std::string RepositoryUrl::base() const {
  if (endpoint.empty()) return LocationUrl(location);
  return fmt::format("s3://{}/{}/{}", endpoint, location.bucket, location.key);
}

Result<RepositoryUrl> ParseRepositoryUrl(const std::string& url) {
  if (url.empty()) return Error(Code::kInvalidArgument, "a model repository has no name");
  const std::string scheme = ToLower(url.substr(0, url.find("://") + 1));
  if (scheme == "gs:" || scheme == "as:")
    return Error(Code::kInvalidArgument,
                 "model repository '{}': only local folders and s3:// are served", url);
  if (!ToLower(url.substr(0, kS3.size())).starts_with(kS3)) {
    if (url.find("://") == std::string::npos) return RepositoryUrl{.path = url};
    SARAI_TRY(Location location, ParseLocation(url));
    return RepositoryUrl{.path = std::move(location.key)};
  }
  RepositoryUrl parsed{.remote = true};
  const std::string_view rest = std::string_view(url).substr(kS3.size());
  const auto endpoint = ReadEndpoint(rest);
  if (endpoint) parsed.endpoint = endpoint->url;
  SARAI_TRY(parsed.location,
            ParseLocation(std::string(kS3) + std::string(endpoint ? endpoint->rest : rest)));
  SARAI_CHECK_OK(EndInSlash(parsed.location, url));
  return parsed;
}

}  // namespace sarai::store
