// A compressed body: its Content-Encoding in the first line, then its bytes. The line is read as
// Accept-Encoding too.
#include "base/base64.h"
#include "fuzz/fuzz.h"
#include "wire/http/content_encoding.h"

namespace sarai::fuzz {
namespace {

constexpr uint64_t kMaxBytes = 64 << 10;

void ExpectDecodesTo(const Blob& plain, http::ContentEncoding encoding) {
  const size_t half = plain.size() / 2;
  const auto encoded = http::Encode(
      encoding, {plain.Slice(0, half), Blob(), plain.Slice(half, plain.size() - half)});
  FUZZ_EXPECT(encoded.has_value(), "{}", encoded.error().message());
  const auto again = http::Decode(encoding, *encoded, plain.size());
  FUZZ_EXPECT(again.has_value(), "{}", again.error().message());
  FUZZ_EXPECT(again->text() == plain.text());
}

void Run(Input input) {
  const std::string_view field = input.Line();
  const Blob body = input.RestAsBlob();
  (void)Base64Decode(body.text());
  ExpectDecodesTo(body, http::PreferredEncoding(field));
  const auto encoding = http::ParseContentEncoding(field);
  if (!ExpectAnswer(encoding)) return;
  FUZZ_EXPECT(http::ParseContentEncoding(http::ContentEncodingName(*encoding)).has_value());
  const auto plain = http::Decode(*encoding, body, kMaxBytes);
  if (!ExpectAnswer(plain)) return;
  FUZZ_EXPECT(plain->size() <= kMaxBytes);
  ExpectDecodesTo(*plain, *encoding);
}

}  // namespace
}  // namespace sarai::fuzz

FUZZ_TARGET(sarai::fuzz::Run)
