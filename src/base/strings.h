// Small text helpers, ASCII only.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <cstdint>

namespace sarai {

std::string_view Trim(std::string_view text);
std::string ToLower(std::string_view text);
bool EqualsIgnoreCase(std::string_view a, std::string_view b);
std::vector<std::string_view> Split(std::string_view text, char separator);  // keeps empty parts
std::string Join(const std::vector<std::string>& parts, std::string_view separator);

// The whole text as a decimal number, or nothing.
std::optional<int64_t> ParseInt(std::string_view text);
std::optional<double> ParseDouble(std::string_view text);

}  // namespace sarai
