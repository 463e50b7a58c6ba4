#include "backends/common/heap_growth.h"

#include <malloc.h>

#include <algorithm>

namespace sarai::backends {
namespace {

uint64_t HeapBytes() {
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

}  // namespace

HeapMeter::Measurement::Measurement(HeapMeter& meter) : lock_(meter.mu_), before_(HeapBytes()) {}

uint64_t HeapMeter::Measurement::bytes() const {
  const uint64_t now = HeapBytes();
  return now > before_ ? now - before_ : 0;
}

}  // namespace sarai::backends
