// How the C library's heap is used in processes that hold models.
#pragma once

namespace sarai::cli {

// One heap for all threads: what unloaded models and finished loads leave behind can be given back
// from anywhere in it (malloc_trim gives back the end of the first heap only, and each further one
// may keep tens of MiB there). Call before the first thread.
void UseOneHeap();

}  // namespace sarai::cli
