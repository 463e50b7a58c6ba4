// What the parsers of this folder share over simdjson: text with the padding it needs, and its
// errors in our words. Included by .cc files only.
#pragma once

#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include <simdjson.h>

#include "base/status.h"

namespace sarai::kserve {

namespace ondemand = simdjson::ondemand;

// JSON with readable bytes behind it: simdjson reads in blocks that may run past the end. Text that
// lies far enough before the end of a buffer is used where it lies, other text is copied.
class PaddedJson {
 public:
  PaddedJson(std::string_view json, size_t readable_behind) : view_(json) {
    if (readable_behind >= simdjson::SIMDJSON_PADDING) return;
    copy_ = std::make_unique<char[]>(json.size() + simdjson::SIMDJSON_PADDING);  // zeroed
    if (!json.empty()) std::memcpy(copy_.get(), json.data(), json.size());
    view_ = {copy_.get(), json.size()};
  }
  simdjson::padded_string_view view() const {
    return simdjson::padded_string_view(view_, view_.size() + simdjson::SIMDJSON_PADDING);
  }

 private:
  std::unique_ptr<char[]> copy_;
  std::string_view view_;
};

// Text that stops being JSON, as opposed to JSON of the wrong type.
inline Status Malformed(simdjson::error_code error) {
  return MakeStatus(Code::kInvalidArgument, "the request's JSON is malformed: {}",
                    simdjson::error_message(error));
}

inline Status CheckRequestSize(uint64_t bytes, uint64_t max_bytes) {
  if (bytes <= max_bytes) return {};
  return MakeStatus(Code::kInvalidArgument,
                    "the request JSON size of {} bytes exceeds the maximum allowed input size of "
                    "{} bytes. Use --http-max-input-size to increase the limit. Binary data is not "
                    "counted",
                    bytes, max_bytes);
}

inline bool IsWrongType(simdjson::error_code error) {
  return error == simdjson::INCORRECT_TYPE || error == simdjson::NUMBER_ERROR ||
         error == simdjson::NUMBER_OUT_OF_RANGE || error == simdjson::SCALAR_DOCUMENT_AS_VALUE ||
         error == simdjson::N_ATOM_ERROR || error == simdjson::T_ATOM_ERROR ||
         error == simdjson::F_ATOM_ERROR;
}

// "'shape' must be a list of integers", or Malformed.
inline Status NotA(simdjson::error_code error, std::string_view what, std::string_view wanted) {
  if (!IsWrongType(error)) return Malformed(error);
  return MakeStatus(Code::kInvalidArgument, "{} must be {}", what, wanted);
}

inline Result<std::string> ReadString(ondemand::value value, std::string_view what) {
  std::string_view text;
  if (const auto error = value.get_string().get(text)) return Error(NotA(error, what, "a string"));
  return std::string(text);
}

inline Result<bool> ReadBool(ondemand::value value, std::string_view what) {
  bool flag = false;
  if (const auto error = value.get_bool().get(flag))
    return Error(NotA(error, what, "true or false"));
  return flag;
}

inline Result<uint64_t> ReadUnsigned(ondemand::value value, std::string_view what) {
  uint64_t number = 0;
  if (const auto error = value.get_uint64().get(number))
    return Error(NotA(error, what, "an integer of 0 or more"));
  return number;
}

// Calls `visit(key, value)` for each member until it fails.
template <typename Visit>
Status ForEachMember(ondemand::object object, Visit visit) {
  for (auto member : object) {
    ondemand::field field;
    if (const auto error = std::move(member).get(field)) return Malformed(error);
    std::string_view key;
    if (const auto error = field.unescaped_key().get(key)) return Malformed(error);
    SARAI_CHECK_OK(visit(key, field.value()));
  }
  return {};
}

template <typename Visit>
Status ForEachMember(ondemand::value value, std::string_view what, Visit visit) {
  ondemand::object object;
  if (const auto error = value.get_object().get(object)) return NotA(error, what, "an object");
  return ForEachMember(object, std::move(visit));
}

// A request's text, which must be one object and nothing behind it: calls `visit(key, value)` for
// each member until it fails. Keys and values are gone when it returns.
template <typename Visit>
Status ReadRequestObject(const PaddedJson& json, Visit visit) {
  ondemand::parser parser;
  ondemand::document document;
  if (const auto error = parser.iterate(json.view()).get(document)) return Malformed(error);
  ondemand::object root;
  if (const auto error = document.get_object().get(root))
    return NotA(error, "the request", "a JSON object");
  SARAI_CHECK_OK(ForEachMember(root, std::move(visit)));
  if (document.current_location().error() == simdjson::OUT_OF_BOUNDS) return {};
  return Status(Code::kInvalidArgument, "the request's JSON is followed by something else");
}

template <typename Visit>
Status ForEachElement(ondemand::value value, std::string_view what, Visit visit) {
  ondemand::array array;
  if (const auto error = value.get_array().get(array)) return NotA(error, what, "a list");
  for (auto element : array) {
    ondemand::value item;
    if (const auto error = std::move(element).get(item)) return Malformed(error);
    SARAI_CHECK_OK(visit(item));
  }
  return {};
}

}  // namespace sarai::kserve
