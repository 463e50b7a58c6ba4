#include "base/bytes.h"

#include <array>
#include <charconv>
#include <cmath>

#include "base/strings.h"

namespace sarai {
namespace {

struct Unit {
  std::string_view name;
  double factor;
};

constexpr std::array<Unit, 18> kUnits = {{
    {"", 1},
    {"b", 1},
    {"k", 1024.0},
    {"kib", 1024.0},
    {"kb", 1e3},
    {"m", 1024.0 * 1024},
    {"mib", 1024.0 * 1024},
    {"mb", 1e6},
    {"g", 1024.0 * 1024 * 1024},
    {"gib", 1024.0 * 1024 * 1024},
    {"gb", 1e9},
    {"t", 1024.0 * 1024 * 1024 * 1024},
    {"tib", 1024.0 * 1024 * 1024 * 1024},
    {"tb", 1e12},
    {"ki", 1024.0},
    {"mi", 1024.0 * 1024},
    {"gi", 1024.0 * 1024 * 1024},
    {"ti", 1024.0 * 1024 * 1024 * 1024},
}};

}  // namespace

Result<uint64_t> ParseBytes(std::string_view text) {
  const std::string_view trimmed = Trim(text);
  double number = 0;
  const auto [end, error] =
      std::from_chars(trimmed.data(), trimmed.data() + trimmed.size(), number);
  if (error != std::errc() || number < 0 || !std::isfinite(number))
    return Error(Code::kInvalidArgument, "'{}' is not a byte count such as 512MiB or 2GiB", text);
  const std::string suffix =
      ToLower(Trim(trimmed.substr(static_cast<size_t>(end - trimmed.data()))));
  for (const Unit& unit : kUnits) {
    if (unit.name != suffix) continue;
    const double bytes = number * unit.factor;
    if (bytes >= 9.2e18) break;
    return static_cast<uint64_t>(std::llround(bytes));
  }
  return Error(Code::kInvalidArgument, "'{}' is not a byte count such as 512MiB or 2GiB", text);
}

std::string FormatBytes(uint64_t bytes) {
  constexpr std::array<std::string_view, 5> kNames = {"B", "KiB", "MiB", "GiB", "TiB"};
  double value = static_cast<double>(bytes);
  size_t unit = 0;
  while (value >= 1023.5 && unit + 1 < kNames.size()) {
    value /= 1024;
    ++unit;
  }
  if (unit == 0 || value >= 99.95) return fmt::format("{:.0f} {}", value, kNames[unit]);
  return fmt::format("{:.1f} {}", value, kNames[unit]);
}

}  // namespace sarai
