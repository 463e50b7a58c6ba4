#include "wire/sigv4/sigv4.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <span>
#include <utility>
#include <vector>

#include "base/hex.h"
#include "base/strings.h"
#include "wire/http/uri.h"

namespace sarai::sigv4 {
namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";

// What is signed is our own: keys of S3 objects may have many slashes.
constexpr http::TargetLimits kAnyTarget = {.max_segments = SIZE_MAX,
                                           .max_query_parameters = SIZE_MAX};

using Digest = std::array<std::byte, 32>;

Digest Sha256(std::string_view bytes) {
  Digest digest{};
  EVP_Digest(bytes.data(), bytes.size(), reinterpret_cast<unsigned char*>(digest.data()), nullptr,
             EVP_sha256(), nullptr);
  return digest;
}

Digest Hmac(std::span<const std::byte> key, std::string_view message) {
  Digest digest{};
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(message.data()), message.size(),
       reinterpret_cast<unsigned char*>(digest.data()), nullptr);
  return digest;
}

// "20260131T120000Z"
std::string AmzDate(WallTime now) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(now);
  const auto day = std::chrono::floor<std::chrono::days>(seconds);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss time(seconds - day);
  return fmt::format("{:04}{:02}{:02}T{:02}{:02}{:02}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     time.hours().count(), time.minutes().count(), time.seconds().count());
}

// Everywhere but at S3 the encoded path is encoded once more.
std::string CanonicalPath(std::string_view raw_path, const Scope& scope) {
  const std::string_view path = raw_path.empty() ? "/" : raw_path;
  return scope.service == "s3" ? std::string(path)
                               : http::PercentEncode(path, http::KeepSlash::kYes);
}

// Sorted by name, then by value, both as they are sent: "a" goes before "a-".
std::string CanonicalQuery(const http::Target& target) {
  std::vector<std::pair<std::string, std::string>> parts;
  for (const auto& [name, value] : target.query)
    parts.emplace_back(http::PercentEncode(name), http::PercentEncode(value));
  std::ranges::sort(parts);
  std::string query;
  for (const auto& [name, value] : parts)
    query += fmt::format("{}{}={}", query.empty() ? "" : "&", name, value);
  return query;
}

// Spaces around the value do not count, and several in a row count as one.
std::string CanonicalValue(std::string_view value) {
  std::string canonical(Trim(value));
  const auto both_spaces = [](char a, char b) { return a == ' ' && b == ' '; };
  const auto rest = std::ranges::unique(canonical, both_spaces);
  canonical.erase(rest.begin(), rest.end());
  return canonical;
}

struct CanonicalHeaders {
  std::string lines;         // "host:x\n…"
  std::string signed_names;  // "host;x-amz-date"
};

CanonicalHeaders Canonicalize(const http::Headers& headers) {
  std::map<std::string, std::string> by_name;
  for (const auto& [name, value] : headers.fields()) {
    std::string& joined = by_name[ToLower(name)];
    if (!joined.empty()) joined += ',';
    joined += CanonicalValue(value);
  }
  CanonicalHeaders canonical;
  for (const auto& [name, value] : by_name) {
    canonical.lines += fmt::format("{}:{}\n", name, value);
    if (!canonical.signed_names.empty()) canonical.signed_names += ';';
    canonical.signed_names += name;
  }
  return canonical;
}

std::string Signature(const Credentials& credentials, std::string_view day, const Scope& scope,
                      std::string_view string_to_sign) {
  const std::string secret = "AWS4" + credentials.secret_access_key;
  Digest key = Hmac(std::as_bytes(std::span(secret)), day);
  key = Hmac(key, scope.region);
  key = Hmac(key, scope.service);
  key = Hmac(key, "aws4_request");
  return HexEncode(Hmac(key, string_to_sign));
}

// "AKID/20260131/us-east-1/s3/aws4_request"
std::optional<SignedBy> ParseCredential(std::string_view credential) {
  const std::vector<std::string_view> parts = Split(credential, '/');
  if (parts.size() < 5 || parts.back() != "aws4_request") return std::nullopt;
  const size_t n = parts.size();
  const std::string_view key =
      credential.substr(0, credential.size() - (parts[n - 4].size() + parts[n - 3].size() +
                                                parts[n - 2].size() + parts[n - 1].size() + 4));
  return SignedBy{std::string(key), std::string(parts[n - 4]), std::string(parts[n - 3]),
                  std::string(parts[n - 2])};
}

}  // namespace

std::string Sha256Hex(std::string_view bytes) { return HexEncode(Sha256(bytes)); }

void Sign(http::Request& request, std::string_view host, const Scope& scope,
          const Credentials& credentials, WallTime now, std::string_view payload_hash) {
  const std::string date = AmzDate(now);
  const std::string_view day = std::string_view(date).substr(0, 8);
  request.headers.Remove("Authorization");  // of an attempt before this one
  request.headers.Set("Host", std::string(host));
  request.headers.Set("X-Amz-Date", date);
  if (!credentials.session_token.empty())
    request.headers.Set("X-Amz-Security-Token", credentials.session_token);
  if (scope.service == "s3") request.headers.Set("X-Amz-Content-Sha256", std::string(payload_hash));

  const auto target = http::ParseTarget(request.target, kAnyTarget);
  const CanonicalHeaders headers = Canonicalize(request.headers);
  const std::string canonical_request = fmt::format(
      "{}\n{}\n{}\n{}\n{}\n{}", request.method,
      CanonicalPath(target ? target->raw_path : request.target, scope),
      target ? CanonicalQuery(*target) : "", headers.lines, headers.signed_names, payload_hash);
  const std::string scope_text =
      fmt::format("{}/{}/{}/aws4_request", day, scope.region, scope.service);
  const std::string string_to_sign =
      fmt::format("{}\n{}\n{}\n{}", kAlgorithm, date, scope_text, Sha256Hex(canonical_request));
  request.headers.Set("Authorization",
                      fmt::format("{} Credential={}/{}, SignedHeaders={}, Signature={}", kAlgorithm,
                                  credentials.access_key_id, scope_text, headers.signed_names,
                                  Signature(credentials, day, scope, string_to_sign)));
}

std::optional<SignedBy> ReadScope(const http::Request& request) {
  const std::string_view authorization = request.headers.Get("Authorization");
  constexpr std::string_view kCredential = "Credential=";
  if (authorization.starts_with(kAlgorithm)) {
    const size_t at = authorization.find(kCredential);
    if (at == std::string_view::npos) return std::nullopt;
    const std::string_view rest = authorization.substr(at + kCredential.size());
    return ParseCredential(Trim(rest.substr(0, rest.find(','))));
  }
  if (request.target.find("X-Amz-Credential=") == std::string::npos) return std::nullopt;
  const auto target = http::ParseTarget(request.target);
  return target ? ParseCredential(target->Query("X-Amz-Credential")) : std::nullopt;
}

std::optional<std::string> RegionOf(const http::Request& request) {
  auto scope = ReadScope(request);
  if (!scope || scope->region.empty()) return std::nullopt;
  return std::move(scope->region);
}

}  // namespace sarai::sigv4
