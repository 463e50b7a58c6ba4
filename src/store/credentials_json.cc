#include <algorithm>
#include <chrono>
#include <cstdio>

#include <boost/json.hpp>

#include "store/credential_sources.h"

namespace sarai::store {
namespace json = boost::json;
namespace {

std::string TextOf(const json::object& root, std::initializer_list<std::string_view> names) {
  for (const std::string_view name : names) {
    const json::value* value = root.if_contains({name.data(), name.size()});
    if (value != nullptr && value->is_string()) return std::string(value->get_string());
  }
  return {};
}

}  // namespace

Result<Credentials> ParseCredentialsJson(std::string_view text) {
  boost::system::error_code error;
  const json::value root = json::parse({text.data(), text.size()}, error);
  if (error || !root.is_object()) {
    return Error(Code::kUnavailable, "the answer with the credentials is no JSON object");
  }
  const json::object& object = root.get_object();
  Credentials credentials{.access_key_id = TextOf(object, {"AccessKeyId"}),
                          .secret_access_key = TextOf(object, {"SecretAccessKey"}),
                          .session_token = TextOf(object, {"Token", "SessionToken"})};
  if (credentials.access_key_id.empty() || credentials.secret_access_key.empty()) {
    const std::string message = TextOf(object, {"Message", "message", "Code", "code"});
    return Error(Code::kUnavailable, "the answer holds no AccessKeyId and SecretAccessKey: {}",
                 message.empty() ? "no reason given" : message);
  }
  const std::string expiration = TextOf(object, {"Expiration"});
  if (expiration.empty()) return credentials;
  credentials.expires = ParseExpiration(expiration);
  if (!credentials.expires) {
    return Error(Code::kUnavailable, "the credentials' Expiration '{}' is no time", expiration);
  }
  return credentials;
}

std::optional<WallTime> ParseExpiration(std::string_view text) {
  const std::string copy(text.substr(0, 40));
  int year = 0, hour = 0, minute = 0, second = 0, used = 0;
  unsigned month = 0, day = 0;
  if (std::sscanf(copy.c_str(), "%4d-%2u-%2uT%2d:%2d:%2d%n", &year, &month, &day, &hour, &minute,
                  &second, &used) != 6) {
    return std::nullopt;
  }
  std::string_view rest = std::string_view(copy).substr(static_cast<size_t>(used));
  if (rest.starts_with('.')) rest.remove_prefix(std::min(rest.find_first_of("Z+-"), rest.size()));
  std::chrono::minutes offset{0};
  if (rest != "Z") {
    int zone_hour = 0, zone_minute = 0;
    const std::string zone(rest);
    if (std::sscanf(zone.c_str(), "%3d:%2d", &zone_hour, &zone_minute) != 2) return std::nullopt;
    const int sign = zone.front() == '-' ? -1 : 1;
    offset = std::chrono::hours(zone_hour) + sign * std::chrono::minutes(zone_minute);
  }
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(month),
                                         std::chrono::day(day)};
  if (!date.ok()) return std::nullopt;
  return WallTime(std::chrono::sys_days(date)) + std::chrono::hours(hour) +
         std::chrono::minutes(minute) + std::chrono::seconds(second) - offset;
}

}  // namespace sarai::store
