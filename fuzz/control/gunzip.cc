// A compressed body of the control APIs.
#include "control/front.h"
#include "fuzz/fuzz.h"

namespace sarai::fuzz {
namespace {

void Run(Input input) {
  constexpr uint64_t kMaxBytes = 32 << 10;
  const auto plain = control::Gunzip(input.rest(), kMaxBytes);
  if (ExpectAnswer(plain)) FUZZ_EXPECT(plain->size() <= kMaxBytes);
}

}  // namespace
}  // namespace sarai::fuzz

FUZZ_TARGET(sarai::fuzz::Run)
