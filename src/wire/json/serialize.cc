#include <cmath>

#include "wire/json/json.h"
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

}  // namespace

std::string Serialize(const Value& value) {
  std::string out;
  Append(out, value);
  return out;
}

}  // namespace sarai::json
