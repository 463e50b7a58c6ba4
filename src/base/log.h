// The logging facade: one line per event on standard error,
//   2026-01-31T12:00:00.123Z INFO  instance: loaded 'resnet' in 141 ms
// The level is the process's only mutable global; `cli` sets it once.
#pragma once

#include <string_view>

#include <fmt/format.h>

namespace sarai {

enum class LogLevel { kDebug, kInfo, kWarning, kError, kOff };

void SetLogLevel(LogLevel level);
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
