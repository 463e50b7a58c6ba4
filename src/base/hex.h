// Bytes as lower-case hexadecimal text.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sarai {

std::string HexEncode(std::span<const std::byte> bytes);
std::optional<std::vector<std::byte>> HexDecode(std::string_view text);  // either case

}  // namespace sarai
