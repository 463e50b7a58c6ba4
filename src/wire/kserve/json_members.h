// Members of JSON objects that are written by hand. Included by .cc files of this folder only.
#pragma once

#include <string>
#include <string_view>

#include "wire/json/text.h"

namespace sarai::kserve {

// Appends `"key":`, behind a comma unless it opens the object.
inline void AppendKey(std::string& out, std::string_view key) {
  if (out.back() != '{') out += ',';
  json::AppendString(out, json::ToValidUtf8(key));
  out += ':';
}

inline void AppendMember(std::string& out, std::string_view key, std::string_view value) {
  AppendKey(out, key);
  json::AppendString(out, json::ToValidUtf8(value));
}

template <json::Number T>
void AppendMember(std::string& out, std::string_view key, T value) {
  AppendKey(out, key);
  json::AppendNumber(out, value);
}

}  // namespace sarai::kserve
