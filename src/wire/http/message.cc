#include "wire/http/message.h"

#include <algorithm>

#include "base/strings.h"

namespace sarai::http {
namespace {

auto Named(std::string_view name) {
  return [name](const std::pair<std::string, std::string>& field) {
    return EqualsIgnoreCase(field.first, name);
  };
}

}  // namespace

void Headers::Set(std::string_view name, std::string value) {
  const auto first = std::ranges::find_if(fields_, Named(name));
  if (first == fields_.end()) return Add(std::string(name), std::move(value));
  first->second = std::move(value);
  fields_.erase(std::remove_if(first + 1, fields_.end(), Named(name)), fields_.end());
}

void Headers::Remove(std::string_view name) { std::erase_if(fields_, Named(name)); }

std::string_view Headers::Get(std::string_view name) const {
  const auto field = std::ranges::find_if(fields_, Named(name));
  return field == fields_.end() ? std::string_view() : std::string_view(field->second);
}

}  // namespace sarai::http
