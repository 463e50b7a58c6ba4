#include <cmath>

#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/value_stack.hpp>

#include "base/strings.h"
#include "wire/json/json.h"

namespace sarai::json {
namespace {

using boost::json::error_code;
using boost::json::string_view;

// What the parser finds, put together to a value as its own handler would do; but it reads 0e999 as
// zero times infinity, which is no number and would pass every range check: here it is zero.
struct ValueBuilder {
  static constexpr size_t max_object_size = Object::max_size();
  static constexpr size_t max_array_size = Array::max_size();
  static constexpr size_t max_key_size = boost::json::string::max_size();
  static constexpr size_t max_string_size = boost::json::string::max_size();

  ValueBuilder() { stack.reset(); }

  bool on_document_begin(error_code&) { return true; }
  bool on_document_end(error_code&) { return true; }
  bool on_object_begin(error_code&) { return true; }
  bool on_object_end(size_t size, error_code&) { return stack.push_object(size), true; }
  bool on_array_begin(error_code&) { return true; }
  bool on_array_end(size_t size, error_code&) { return stack.push_array(size), true; }
  bool on_key_part(string_view text, size_t, error_code&) { return stack.push_chars(text), true; }
  bool on_key(string_view text, size_t, error_code&) { return stack.push_key(text), true; }
  bool on_string_part(string_view text, size_t, error_code&) {
    return stack.push_chars(text), true;
  }
  bool on_string(string_view text, size_t, error_code&) { return stack.push_string(text), true; }
  bool on_number_part(string_view, error_code&) { return true; }
  bool on_int64(int64_t number, string_view, error_code&) { return stack.push_int64(number), true; }
  bool on_uint64(uint64_t number, string_view, error_code&) {
    return stack.push_uint64(number), true;
  }
  bool on_double(double number, string_view, error_code&) {
    return stack.push_double(std::isnan(number) ? 0.0 : number), true;
  }
  bool on_bool(bool flag, error_code&) { return stack.push_bool(flag), true; }
  bool on_null(error_code&) { return stack.push_null(), true; }
  bool on_comment_part(string_view, error_code&) { return true; }
  bool on_comment(string_view, error_code&) { return true; }

  boost::json::value_stack stack;
};

}  // namespace

Result<Value> Parse(std::string_view text, const ParseLimits& limits) {
  if (text.size() > limits.max_bytes)
    return Error(Code::kInvalidArgument, "JSON of {} bytes is larger than the {} allowed",
                 text.size(), limits.max_bytes);
  boost::json::parse_options options;
  options.max_depth = limits.max_depth;
  boost::json::basic_parser<ValueBuilder> parser(options);
  error_code error;
  const size_t used = parser.write_some(/*more=*/true, text.data(), text.size(), error);
  if (error == boost::json::error::too_deep)
    return Error(Code::kInvalidArgument, "JSON is nested deeper than {} levels", limits.max_depth);
  if (error) return Error(Code::kInvalidArgument, "not JSON at byte {}: {}", used, error.message());
  parser.write_some(/*more=*/false, nullptr, 0, error);
  if (error) return Error(Code::kInvalidArgument, "JSON ends too early, after {} bytes", used);
  if (!Trim(text.substr(used)).empty())
    return Error(Code::kInvalidArgument, "more text follows the JSON at byte {}", used);
  return parser.handler().stack.release();
}

Result<Object> ParseObject(std::string_view text, const ParseLimits& limits) {
  if (Trim(text).empty()) return Object();
  SARAI_TRY(Value value, Parse(text, limits));
  if (!value.is_object()) return Error(Code::kInvalidArgument, "the JSON body must be an object");
  return std::move(value.get_object());
}

}  // namespace sarai::json
