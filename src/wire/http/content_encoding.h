// Compressed bodies: gzip (RFC 1952) and deflate (RFC 1950; also the raw RFC 1951 form, which some
// clients send under that name).
// Source: RFC 9110 §8.4.1, §12.5.3.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/blob.h"
#include "base/status.h"

namespace sarai::http {

enum class ContentEncoding { kIdentity, kGzip, kDeflate };

// A Content-Encoding field; nothing or "identity" = kIdentity. Errors: kUnimplemented names what is
// known.
Result<ContentEncoding> ParseContentEncoding(std::string_view field);
std::string_view ContentEncodingName(ContentEncoding encoding);

// What an Accept-Encoding field likes best; kIdentity where it says nothing.
ContentEncoding PreferredEncoding(std::string_view accept_encoding);

// Errors: kInvalidArgument for what is damaged, cut short or followed by something else;
// kResourceExhausted when it would grow beyond `max_bytes`.
Result<Blob> Decode(ContentEncoding encoding, const Blob& body, uint64_t max_bytes);
// The parts as one. Errors: kInternal.
Result<Blob> Encode(ContentEncoding encoding, const std::vector<Blob>& parts);

}  // namespace sarai::http
