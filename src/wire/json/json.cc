#include "wire/json/json.h"

#include <cmath>

#include <boost/json/stream_parser.hpp>

#include "base/strings.h"
#include "wire/json/text.h"

namespace sarai::json {
namespace {

void Append(std::string& out, const Value& value);

// JSON has no word for infinity, but numbers too large for a double, which are read as infinity.
void AppendDouble(std::string& out, double value) {
  if (std::isnan(value))
    out += "null";
  else if (std::isinf(value))
    out += value > 0 ? "1e999" : "-1e999";
  else
    AppendNumber(out, value);
}

void AppendArray(std::string& out, const Array& array) {
  out += '[';
  bool first = true;
  for (const Value& element : array) {
    if (!first) out += ',';
    first = false;
    Append(out, element);
  }
  out += ']';
}

void AppendObject(std::string& out, const Object& object) {
  out += '{';
  bool first = true;
  for (const auto& member : object) {
    if (!first) out += ',';
    first = false;
    AppendString(out, member.key());
    out += ':';
    Append(out, member.value());
  }
  out += '}';
}

void Append(std::string& out, const Value& value) {
  switch (value.kind()) {
    case boost::json::kind::null: out += "null"; return;
    case boost::json::kind::bool_: return AppendBool(out, value.get_bool());
    case boost::json::kind::int64: return AppendNumber(out, value.get_int64());
    case boost::json::kind::uint64: return AppendNumber(out, value.get_uint64());
    case boost::json::kind::double_: return AppendDouble(out, value.get_double());
    case boost::json::kind::string: return AppendString(out, value.get_string());
    case boost::json::kind::array: return AppendArray(out, value.get_array());
    case boost::json::kind::object: return AppendObject(out, value.get_object());
  }
}

// The parser reads 0e999 as zero times infinity, which no range check would stop.
void MendZeros(Value& value) {
  if (value.is_double() && std::isnan(value.get_double())) value = 0.0;
  if (value.is_array())
    for (Value& element : value.get_array()) MendZeros(element);
  if (value.is_object())
    for (auto& member : value.get_object()) MendZeros(member.value());
}

}  // namespace

Result<Value> Parse(std::string_view text, const ParseLimits& limits) {
  if (text.size() > limits.max_bytes)
    return Error(Code::kInvalidArgument, "JSON of {} bytes is larger than the {} allowed",
                 text.size(), limits.max_bytes);
  boost::json::parse_options options;
  options.max_depth = limits.max_depth;
  boost::json::stream_parser parser({}, options);
  boost::json::error_code error;
  const size_t used = parser.write_some(text.data(), text.size(), error);
  if (error == boost::json::error::too_deep)
    return Error(Code::kInvalidArgument, "JSON is nested deeper than {} levels", limits.max_depth);
  if (error) return Error(Code::kInvalidArgument, "not JSON at byte {}: {}", used, error.message());
  parser.finish(error);
  if (error) return Error(Code::kInvalidArgument, "JSON ends too early, after {} bytes", used);
  if (!Trim(text.substr(used)).empty())
    return Error(Code::kInvalidArgument, "more text follows the JSON at byte {}", used);
  Value value = parser.release();
  MendZeros(value);
  return value;
}

Result<Object> ParseObject(std::string_view text, const ParseLimits& limits) {
  if (Trim(text).empty()) return Object();
  SARAI_TRY(Value value, Parse(text, limits));
  if (!value.is_object()) return Error(Code::kInvalidArgument, "the JSON body must be an object");
  return std::move(value.get_object());
}

std::string Serialize(const Value& value) {
  std::string out;
  Append(out, value);
  return out;
}

}  // namespace sarai::json
