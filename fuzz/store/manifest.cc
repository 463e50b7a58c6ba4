// The text forms that lie on disk: a manifest, and AWS's shared files.
#include "store/manifest.h"
#include "fuzz/fuzz.h"
#include "store/profile.h"

namespace sarai::fuzz {
namespace {

void Run(Input input) {
  const std::string_view text = input.rest();
  for (const bool config_file : {false, true})
    for (const auto& [name, values] : store::ParseProfileSections(text, config_file))
      FUZZ_EXPECT(values.size() <= text.size());
  const auto manifest = store::Manifest::Parse(text);
  if (!ExpectAnswer(manifest)) return;
  ExpectAnswer(manifest->CheckLinks());
  const auto again = store::Manifest::Parse(manifest->Text());
  FUZZ_EXPECT(again.has_value(), "{}", manifest->Text());
  FUZZ_EXPECT(again->Text() == manifest->Text(), "{}", manifest->Text());
}

}  // namespace
}  // namespace sarai::fuzz

FUZZ_TARGET(sarai::fuzz::Run)
