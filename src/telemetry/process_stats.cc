#include "telemetry/process_stats.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <thread>

#include "base/strings.h"
#include "base/unique_fd.h"

namespace sarai::telemetry {
namespace {

constexpr size_t kProcFileBytesMax = 256 * 1024;  // far more than any of the files read here

Status SystemError(const std::string& path) {
  const int error = errno;
  const Code code = error == ENOENT || error == ESRCH   ? Code::kNotFound
                    : error == EACCES || error == EPERM ? Code::kPermissionDenied
                                                        : Code::kInternal;
  return MakeStatus(code, "cannot read '{}': {}", path, std::strerror(error));
}

Result<std::string> ReadSmallFile(const std::string& path) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return Error(SystemError(path));
  std::string text;
  char buffer[4096];
  while (text.size() < kProcFileBytesMax) {
    const ssize_t count = ::read(fd.get(), buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return Error(SystemError(path));
    if (count == 0) break;
    text.append(buffer, static_cast<size_t>(count));
  }
  return text;
}

// "Anonymous:      1234 kB" -> bytes.
std::optional<uint64_t> KilobyteField(std::string_view text, std::string_view name) {
  for (std::string_view line : Split(text, '\n')) {
    if (!line.starts_with(name) || line.substr(name.size(), 1) != ":") continue;
    std::string_view value = Trim(line.substr(name.size() + 1));
    value = Trim(value.substr(0, value.find(' ')));
    if (const auto kilobytes = ParseInt(value); kilobytes && *kilobytes >= 0) {
      return static_cast<uint64_t>(*kilobytes) * 1024;
    }
  }
  return std::nullopt;
}

Result<uint64_t> ReadField(const std::string& path, const char* name) {
  SARAI_TRY(const std::string text, ReadSmallFile(path));
  const auto bytes = KilobyteField(text, name);
  if (!bytes) return Error(Code::kInternal, "'{}' has no number '{}'", path, name);
  return *bytes;
}

}  // namespace

Result<uint64_t> AnonymousBytes(pid_t pid) {
  return ReadField(fmt::format("/proc/{}/smaps_rollup", pid), "Anonymous");
}

Result<double> CpuSeconds(pid_t pid) {
  const std::string path = fmt::format("/proc/{}/stat", pid);
  SARAI_TRY(const std::string text, ReadSmallFile(path));
  // The second field is the program's name in parentheses and may itself hold blanks and these.
  const size_t name_end = text.rfind(')');
  if (name_end == std::string::npos) return Error(Code::kInternal, "'{}' has no name", path);
  const auto fields = Split(Trim(std::string_view(text).substr(name_end + 1)), ' ');
  constexpr size_t kUserTime = 11, kSystemTime = 12;  // fields 14 and 15 of proc(5)
  if (fields.size() <= kSystemTime) return Error(Code::kInternal, "'{}' is too short", path);
  const auto user = ParseInt(fields[kUserTime]);
  const auto system = ParseInt(fields[kSystemTime]);
  if (!user || !system) return Error(Code::kInternal, "'{}' has no CPU times", path);
  return static_cast<double>(*user + *system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

Result<uint64_t> TotalMemoryBytes() { return ReadField("/proc/meminfo", "MemTotal"); }

Result<uint64_t> AvailableMemoryBytes() { return ReadField("/proc/meminfo", "MemAvailable"); }

// "cpu  user nice system idle iowait irq softirq steal guest guest_nice"; guests' times are counted
// in user and nice already.
Result<CpuTimes> MachineCpuTimes() {
  constexpr size_t kIdle = 3, kIoWait = 4, kGuest = 8;
  SARAI_TRY(const std::string text, ReadSmallFile("/proc/stat"));
  CpuTimes times;
  size_t field = 0;
  const std::string_view line = std::string_view(text).substr(0, text.find('\n'));
  for (const std::string_view word : Split(line, ' ')) {
    const auto ticks = ParseInt(word);
    if (!ticks || *ticks < 0) continue;  // the name, the second space
    if (field < kGuest) times.total += static_cast<uint64_t>(*ticks);
    if (field < kGuest && field != kIdle && field != kIoWait)
      times.busy += static_cast<uint64_t>(*ticks);
    ++field;
  }
  return times;
}

double BusyShare(const CpuTimes& before, const CpuTimes& after) {
  if (after.total <= before.total || after.busy < before.busy) return 0;
  return static_cast<double>(after.busy - before.busy) /
         static_cast<double>(after.total - before.total);
}

int CpuCount() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  if (::sched_getaffinity(0, sizeof allowed, &allowed) == 0) return CPU_COUNT(&allowed);
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

Result<DiskUsage> FileSystemUsage(const std::string& path) {
  struct statvfs info{};
  if (::statvfs(path.c_str(), &info) != 0) return Error(SystemError(path));
  return DiskUsage{info.f_blocks * info.f_frsize, info.f_bavail * info.f_frsize};
}

}  // namespace sarai::telemetry
