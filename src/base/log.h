// The logging facade: one line per event on standard error or in a file,
//   2026-01-31T12:00:00.123Z INFO  instance: loaded 'resnet' in 141 ms
// What is logged, and where, is the process's only mutable global: `cli` sets it, and log settings
// change it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "base/status.h"

namespace sarai {

enum class LogLevel { kDebug, kInfo, kWarning, kError, kOff };

// Which levels are logged, each by itself. Its time is in ISO 8601 in either format.
struct LogSwitches {
  bool info = true, warning = true, error = true;
  uint32_t verbose = 0;  // above 0: debug
  bool iso8601 = false;
};
void SetLogSwitches(const LogSwitches& switches);
LogSwitches GetLogSwitches();

void SetLogLevel(LogLevel level);  // that level and those above it
// Lines are appended there from now on; once, before there are other threads. Errors name the file.
Status SetLogFile(const std::string& path);
bool LogEnabled(LogLevel level);
void LogLine(LogLevel level, std::string_view room, std::string_view text);

template <typename... Args>
void Log(LogLevel level, std::string_view room, fmt::format_string<Args...> format,
         Args&&... args) {
  if (LogEnabled(level)) LogLine(level, room, fmt::format(format, std::forward<Args>(args)...));
}

#define SARAI_LOG_FUNCTION_(Name, Level)                                                 \
  template <typename... Args>                                                            \
  void Name(std::string_view room, fmt::format_string<Args...> format, Args&&... args) { \
    Log(Level, room, format, std::forward<Args>(args)...);                               \
  }
SARAI_LOG_FUNCTION_(LogDebug, LogLevel::kDebug)
SARAI_LOG_FUNCTION_(LogInfo, LogLevel::kInfo)
SARAI_LOG_FUNCTION_(LogWarning, LogLevel::kWarning)
SARAI_LOG_FUNCTION_(LogError, LogLevel::kError)
#undef SARAI_LOG_FUNCTION_

}  // namespace sarai
