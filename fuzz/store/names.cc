// Names and places: of entries, artifacts, buckets and target models. Two lines and what is left.
#include "fuzz/fuzz.h"
#include "store/entry_path.h"
#include "store/location.h"
#include "store/s3_address.h"

namespace sarai::fuzz {
namespace {

bool HasControl(std::string_view text) {
  return std::ranges::any_of(text, [](unsigned char c) { return c < 0x20 || c == 0x7F; });
}

void ExpectHarmless(std::string_view name) {
  FUZZ_EXPECT(!HasControl(store::ShownName(name)));
  FUZZ_EXPECT(store::ShownName(name).size() <= 256);
  const auto path = store::NormalizeEntryPath(name);
  if (!ExpectAnswer(path)) return;
  FUZZ_EXPECT(!path->starts_with('/') && !path->ends_with('/') && !HasControl(*path));
  FUZZ_EXPECT(path->size() <= store::kMaxEntryPathBytes);
  const std::string around = "/" + *path + "/";
  for (const char* const bad : {"/../", "/./"})
    FUZZ_EXPECT(around.find(bad) == std::string::npos, "'{}'", *path);
  if (path->empty()) return;  // the root itself
  const auto again = store::NormalizeEntryPath(*path);
  FUZZ_EXPECT(again.has_value() && *again == *path, "'{}'", *path);
}

void ExpectStaysBelow(const store::Location& place, std::string_view target) {
  const auto key = store::JoinKey(place, target);
  if (!ExpectAnswer(key)) return;
  FUZZ_EXPECT(key->starts_with(place.key), "'{}' below '{}'", *key, place.key);
  FUZZ_EXPECT(!HasControl(std::string_view(*key).substr(place.key.size())));
}

void ExpectPlainAddress(std::string_view endpoint, std::string_view bucket, std::string_view key) {
  const auto address =
      store::MakeS3Address(endpoint, store::S3Addressing::kAuto, "us-east-1", bucket);
  if (!ExpectAnswer(address)) return;
  FUZZ_EXPECT(!HasControl(address->host), "{}", address->host);
  FUZZ_EXPECT(!HasControl(store::S3Path(*address, key)), "{}", store::S3Path(*address, key));
}

void Run(Input input) {
  const std::string url(input.Line());
  const std::string_view target = input.Line();
  ExpectHarmless(input.rest());
  ExpectPlainAddress(target, "bucket", input.rest());
  const auto place = store::ParseLocation(url);
  if (!ExpectAnswer(place)) return;
  if (place->scheme == "s3") ExpectPlainAddress("", place->bucket, place->key);
  const auto again = store::ParseLocation(store::LocationUrl(*place));
  FUZZ_EXPECT(again.has_value(), "{}", store::LocationUrl(*place));
  FUZZ_EXPECT(again->bucket == place->bucket && again->key == place->key, "'{}' is not '{}'",
              again->key, place->key);
  ExpectStaysBelow(*place, target);
}

}  // namespace
}  // namespace sarai::fuzz

FUZZ_TARGET(sarai::fuzz::Run)
