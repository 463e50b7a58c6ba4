#include "wire/json/json.h"

namespace sarai::json {
namespace {

std::optional<int64_t> AsInt(const Value& value) {
  if (value.is_int64()) return value.get_int64();
  return std::nullopt;  // uint64 is only used for what int64 cannot hold
}

std::optional<double> AsDouble(const Value& value) {
  if (value.is_double()) return value.get_double();
  if (value.is_int64()) return static_cast<double>(value.get_int64());
  if (value.is_uint64()) return static_cast<double>(value.get_uint64());
  return std::nullopt;
}

}  // namespace

const Value* ObjectView::Find(std::string_view member) const {
  const Value* const value = object_->if_contains(member);
  return value == nullptr || value->is_null() ? nullptr : value;
}

std::string ObjectView::PathOf(std::string_view member) const {
  return path_.empty() ? std::string(member) : fmt::format("{}.{}", path_, member);
}

Status ObjectView::WrongType(std::string_view member, std::string_view wanted) const {
  return MakeStatus(Code::kInvalidArgument, "'{}' must be {}", PathOf(member), wanted);
}

Status ObjectView::Missing(std::string_view member) const {
  return MakeStatus(Code::kInvalidArgument, "'{}' is missing", PathOf(member));
}

Result<std::optional<std::string>> ObjectView::String(std::string_view member) const {
  const Value* const value = Find(member);
  if (value == nullptr) return std::nullopt;
  if (!value->is_string()) return Error(WrongType(member, "a string"));
  return std::string(value->get_string());
}

Result<std::optional<int64_t>> ObjectView::Int(std::string_view member) const {
  const Value* const value = Find(member);
  if (value == nullptr) return std::nullopt;
  const auto number = AsInt(*value);
  if (!number) return Error(WrongType(member, "an integer of at most 64 bits"));
  return number;
}

Result<std::optional<double>> ObjectView::Double(std::string_view member) const {
  const Value* const value = Find(member);
  if (value == nullptr) return std::nullopt;
  const auto number = AsDouble(*value);
  if (!number) return Error(WrongType(member, "a number"));
  return number;
}

Result<std::optional<bool>> ObjectView::Bool(std::string_view member) const {
  const Value* const value = Find(member);
  if (value == nullptr) return std::nullopt;
  if (!value->is_bool()) return Error(WrongType(member, "true or false"));
  return value->get_bool();
}

Result<std::optional<ObjectView>> ObjectView::Child(std::string_view member) const {
  const Value* const value = Find(member);
  if (value == nullptr) return std::nullopt;
  if (!value->is_object()) return Error(WrongType(member, "an object"));
  return ObjectView(value->get_object(), PathOf(member));
}

Result<std::vector<ObjectView>> ObjectView::Children(std::string_view member) const {
  std::vector<ObjectView> children;
  const Value* const value = Find(member);
  if (value == nullptr) return children;
  if (!value->is_array()) return Error(WrongType(member, "a list of objects"));
  for (const Value& element : value->get_array()) {
    if (!element.is_object()) return Error(WrongType(member, "a list of objects"));
    children.emplace_back(element.get_object(),
                          fmt::format("{}[{}]", PathOf(member), children.size()));
  }
  return children;
}

Result<std::vector<std::string>> ObjectView::Strings(std::string_view member) const {
  std::vector<std::string> strings;
  const Value* const value = Find(member);
  if (value == nullptr) return strings;
  if (!value->is_array()) return Error(WrongType(member, "a list of strings"));
  for (const Value& element : value->get_array()) {
    if (!element.is_string()) return Error(WrongType(member, "a list of strings"));
    strings.emplace_back(element.get_string());
  }
  return strings;
}

Result<std::map<std::string, std::string>> ObjectView::StringMap(std::string_view member) const {
  std::map<std::string, std::string> map;
  const Value* const value = Find(member);
  if (value == nullptr) return map;
  if (!value->is_object()) return Error(WrongType(member, "an object of strings"));
  for (const auto& entry : value->get_object()) {
    if (!entry.value().is_string()) return Error(WrongType(member, "an object of strings"));
    map.emplace(entry.key(), entry.value().get_string());
  }
  return map;
}

Result<std::string> ObjectView::RequireString(std::string_view member) const {
  SARAI_TRY(auto value, String(member));
  if (!value) return Error(Missing(member));
  return std::move(*value);
}

Result<int64_t> ObjectView::RequireInt(std::string_view member) const {
  SARAI_TRY(const auto value, Int(member));
  if (!value) return Error(Missing(member));
  return *value;
}

Result<double> ObjectView::RequireDouble(std::string_view member) const {
  SARAI_TRY(const auto value, Double(member));
  if (!value) return Error(Missing(member));
  return *value;
}

}  // namespace sarai::json
