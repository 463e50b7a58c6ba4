#include "cli/heap.h"

#include <malloc.h>

namespace sarai::cli {

void UseOneHeap() { mallopt(M_ARENA_MAX, 1); }

}  // namespace sarai::cli
