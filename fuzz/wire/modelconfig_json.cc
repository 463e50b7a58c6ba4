// A configuration as JSON, as a load request brings it.
#include "fuzz/fuzz.h"
#include "fuzz/wire/modelconfig.h"

namespace sarai::fuzz {
namespace {

void Run(Input input) {
  const auto config = modelconfig::ParseJson(input.rest());
  if (!ExpectAnswer(config)) return;
  ExpectSameAsJson(*config);
  ExpectServable(*config);
}

}  // namespace
}  // namespace sarai::fuzz

FUZZ_TARGET(sarai::fuzz::Run)
