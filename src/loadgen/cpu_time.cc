#include "loadgen/cpu_time.h"

#include <sys/resource.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "telemetry/process_stats.h"

namespace sarai::loadgen {
namespace {

double OwnSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

void AddTree(pid_t pid, std::map<pid_t, double>& seconds) {
  const auto own = telemetry::CpuSeconds(pid);
  if (!own || !seconds.emplace(pid, *own).second) return;
  std::error_code error;
  const std::string tasks = "/proc/" + std::to_string(pid) + "/task";
  for (const auto& task : std::filesystem::directory_iterator(tasks, error)) {
    std::ifstream children(task.path() / "children");
    for (pid_t child = 0; children >> child;) AddTree(child, seconds);
  }
}

}  // namespace

CpuTimes ReadCpuTimes(const std::vector<pid_t>& servers) {
  CpuTimes times{.own_seconds = OwnSeconds()};
  for (const pid_t pid : servers) AddTree(pid, times.server_seconds);
  return times;
}

double Since(const CpuTimes& start, const CpuTimes& end) {
  double seconds = 0;
  for (const auto& [pid, at_end] : end.server_seconds) {
    const auto before = start.server_seconds.find(pid);
    seconds += at_end - (before != start.server_seconds.end() ? before->second : 0);
  }
  return seconds;
}

}  // namespace sarai::loadgen
