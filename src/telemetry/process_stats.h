// What the kernel says of a process and of the machine (Linux: /proc). Thread-safe; nothing throws:
// a process that is gone or not ours is kNotFound or kPermissionDenied.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "base/status.h"

namespace sarai::telemetry {

// What no file backs of the process's memory: heap, stacks, copies of written pages. Mapped
// weights, which the kernel can drop and read again, do not count.
Result<uint64_t> AnonymousBytes(pid_t pid);
// User and system time since the process began, all threads, without waited-for children.
Result<double> CpuSeconds(pid_t pid);

Result<uint64_t> TotalMemoryBytes();
Result<uint64_t> AvailableMemoryBytes();  // for new work, without swapping
// Of all processors since the machine started, in the kernel's ticks.
struct CpuTimes {
  uint64_t busy = 0, total = 0;
};
Result<CpuTimes> MachineCpuTimes();
double BusyShare(const CpuTimes& before, const CpuTimes& after);  // 0..1
// Processors that this process may run on.
int CpuCount();

struct DiskUsage {
  uint64_t total_bytes = 0;
  uint64_t available_bytes = 0;  // to an ordinary user
};
// Of the file system that holds `path`.
Result<DiskUsage> FileSystemUsage(const std::string& path);

}  // namespace sarai::telemetry
