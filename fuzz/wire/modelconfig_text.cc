// config.pbtxt.
#include "fuzz/fuzz.h"
#include "fuzz/wire/modelconfig.h"

namespace sarai::fuzz {
namespace {

void Run(Input input) {
  const auto config = modelconfig::ParseText(input.rest(), "config.pbtxt");
  if (!ExpectAnswer(config)) return;
  ExpectSameAsJson(*config);
  ExpectServable(*config);
}

}  // namespace
}  // namespace sarai::fuzz

FUZZ_TARGET(sarai::fuzz::Run)
