#include "base/log.h"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <ctime>
#include <string>

namespace sarai {
namespace {

std::atomic<bool> g_info = true, g_warning = true, g_error = true, g_iso8601 = false;
std::atomic<uint32_t> g_verbose = 0;
std::atomic<int> g_file = STDERR_FILENO;

std::string_view LevelName(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug: return "DEBUG";
    case LogLevel::kInfo: return "INFO ";
    case LogLevel::kWarning: return "WARN ";
    case LogLevel::kError: return "ERROR";
    case LogLevel::kOff: break;
  }
  return "";
}

}  // namespace

void SetLogSwitches(const LogSwitches& switches) {
  g_info = switches.info;
  g_warning = switches.warning;
  g_error = switches.error;
  g_verbose = switches.verbose;
  g_iso8601 = switches.iso8601;
}

LogSwitches GetLogSwitches() {
  return {.info = g_info,
          .warning = g_warning,
          .error = g_error,
          .verbose = g_verbose,
          .iso8601 = g_iso8601};
}

void SetLogLevel(LogLevel level) {
  SetLogSwitches({.info = level <= LogLevel::kInfo,
                  .warning = level <= LogLevel::kWarning,
                  .error = level <= LogLevel::kError,
                  .verbose = level == LogLevel::kDebug ? 1u : 0u,
                  .iso8601 = g_iso8601});
}

Status SetLogFile(const std::string& path) {
  constexpr int kMode = 0644;
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, kMode);
  if (file < 0)
    return MakeStatus(Code::kInvalidArgument, "cannot write the log to '{}': {}", path,
                      std::strerror(errno));
  g_file = file;
  return {};
}

bool LogEnabled(LogLevel level) {
  constexpr auto kRelaxed = std::memory_order_relaxed;
  switch (level) {
    case LogLevel::kDebug: return g_verbose.load(kRelaxed) > 0;
    case LogLevel::kInfo: return g_info.load(kRelaxed);
    case LogLevel::kWarning: return g_warning.load(kRelaxed);
    case LogLevel::kError: return g_error.load(kRelaxed);
    case LogLevel::kOff: break;
  }
  return false;
}

void LogLine(LogLevel level, std::string_view room, std::string_view text) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto millis = std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
  const std::time_t seconds = millis / 1000;
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  const std::string line =
      fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z {} {}: {}\n", utc.tm_year + 1900,
                  utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec, millis % 1000,
                  LevelName(level), room, text);
  // One write per line keeps lines of several processes whole; a full pipe is not our caller's
  // problem.
  [[maybe_unused]] const ssize_t ignored =
      ::write(g_file.load(std::memory_order_relaxed), line.data(), line.size());
}

}  // namespace sarai
