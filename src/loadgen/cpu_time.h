// Processor time of this process, and of the server's with all that they have started (Linux).
#pragma once

#include <sys/types.h>

#include <map>
#include <vector>

namespace sarai::loadgen {

struct CpuTimes {
  double own_seconds = 0;
  std::map<pid_t, double> server_seconds;  // by process, children included
};
CpuTimes ReadCpuTimes(const std::vector<pid_t>& servers);

// The servers' time between two readings; a process that has ended meanwhile does not count.
double Since(const CpuTimes& start, const CpuTimes& end);

}  // namespace sarai::loadgen
