// What S3 and STS answer, and the JSON that credential services answer.
#include "fuzz/fuzz.h"
#include "store/credential_sources.h"
#include "store/s3_xml.h"

namespace sarai::fuzz {
namespace {

void Run(Input input) {
  const std::string_view text = input.rest();
  const auto page = store::ParseListPage(text);
  if (ExpectAnswer(page)) {
    FUZZ_EXPECT(page->objects.size() + page->prefixes.size() <= text.size());
    for (const auto& object : page->objects) FUZZ_EXPECT(object.size <= INT64_MAX);
  }
  (void)store::ParseS3Error(text);
  const auto sts = store::ParseStsCredentials(text);
  if (ExpectAnswer(sts)) (void)store::ParseExpiration(sts->expiration);
  ExpectAnswer(store::ParseCredentialsJson(text));
  (void)store::ParseExpiration(text);
}

}  // namespace
}  // namespace sarai::fuzz

FUZZ_TARGET(sarai::fuzz::Run)
