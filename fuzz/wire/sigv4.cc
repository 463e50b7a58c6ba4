// A signed request: the target in the first line, then the Authorization header.
#include "wire/sigv4/sigv4.h"
#include "fuzz/fuzz.h"

namespace sarai::fuzz {
namespace {

void ExpectReadsWhatItSigns(http::Request request, const sigv4::SignedBy& by) {
  sigv4::Sign(request, "host", {.region = by.region, .service = by.service},
              {.access_key_id = by.access_key_id, .secret_access_key = "s"},
              WallTime(std::chrono::seconds(1'770'000'000)), sigv4::Sha256Hex(""));
  const auto again = sigv4::ReadScope(request);
  // A comma ends the credential.
  if ((by.access_key_id + by.region + by.service).find(',') != std::string::npos) return;
  FUZZ_EXPECT(again.has_value(), "{}", request.headers.Get("Authorization"));
  FUZZ_EXPECT(again->region == by.region && again->service == by.service);
  FUZZ_EXPECT(again->date == "20260202", "{}", again->date);
}

void Run(Input input) {
  http::Request request{.method = "GET", .target = std::string(input.Line())};
  if (!input.rest().empty()) request.headers.Add("Authorization", std::string(input.rest()));
  const auto by = sigv4::ReadScope(request);
  const auto region = sigv4::RegionOf(request);
  FUZZ_EXPECT(region.has_value() == (by && !by->region.empty()));
  if (by) ExpectReadsWhatItSigns(request, *by);
}

}  // namespace
}  // namespace sarai::fuzz

FUZZ_TARGET(sarai::fuzz::Run)
