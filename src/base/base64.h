// Base64 (RFC 4648 §4) as bytes.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sarai {

// Line breaks and blanks between the digits are passed over; the padding at the end may be missing.
// Nothing for text that is no base64.
std::optional<std::vector<std::byte>> Base64Decode(std::string_view text);

std::string Base64Encode(std::string_view bytes);  // padded, on one line

}  // namespace sarai
