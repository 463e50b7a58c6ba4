#include "cli/options.h"

#include <array>
#include <charconv>
#include <cmath>

#include <CLI/CLI.hpp>

#include "base/bytes.h"
#include "base/log.h"
#include "base/strings.h"

namespace sarai::cli {
namespace {

// Adds an option whose text `parse` turns into a value; a bad text is a clear usage error.
template <typename T, typename Parse>
CLI::Option* AddParsed(CLI::App& app, const std::string& flag, T& value, const std::string& help,
                       const char* type_name, Parse parse) {
  CLI::Option* const option = app.add_option_function<std::string>(
      flag,
      [&value, flag, parse](const std::string& text) {
        auto parsed = parse(text);
        if (!parsed) throw CLI::ValidationError(flag, parsed.error().message());
        value = *parsed;
      },
      help);
  return option->type_name(type_name);
}

}  // namespace

CLI::Option* AddBytes(CLI::App& app, const std::string& flag, uint64_t& bytes,
                      const std::string& help) {
  return AddParsed(app, flag, bytes, help, "BYTES",
                   [](const std::string& text) { return ParseBytes(text); });
}

Result<Duration> ParseFineDuration(const std::string& text) {
  constexpr std::array<std::pair<std::string_view, double>, 7> kUnits = {
      {{"", 1e9}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"m", 6e10}, {"min", 6e10}, {"h", 3.6e12}}};
  const std::string_view trimmed = Trim(text);
  double number = 0;
  const auto [end, error] =
      std::from_chars(trimmed.data(), trimmed.data() + trimmed.size(), number);
  const std::string_view unit = Trim(trimmed.substr(static_cast<size_t>(end - trimmed.data())));
  if (error == std::errc() && number >= 0 && number < 1e9)
    for (const auto& [name, nanoseconds] : kUnits)
      if (name == unit && number * nanoseconds < 9e18)
        return Duration(std::llround(number * nanoseconds));
  return Error(Code::kInvalidArgument, "'{}' is not a duration such as 250ms, 55s or 2m", text);
}

Result<std::chrono::milliseconds> ParseDuration(const std::string& text) {
  SARAI_TRY(const Duration fine, ParseFineDuration(text));
  const auto whole = std::chrono::round<std::chrono::milliseconds>(fine);
  if (fine > Duration{0} && whole.count() == 0)
    return Error(Code::kInvalidArgument, "'{}' is less than a millisecond", text);
  return whole;
}

CLI::Option* AddDuration(CLI::App& app, const std::string& flag,
                         std::chrono::milliseconds& duration, const std::string& help) {
  return AddParsed(app, flag, duration, help, "DURATION", ParseDuration);
}

CLI::Option* AddFineDuration(CLI::App& app, const std::string& flag, Duration& duration,
                             const std::string& help) {
  return AddParsed(app, flag, duration, help, "DURATION", ParseFineDuration);
}

Result<HostPort> ParseHostPort(const std::string& text) {
  const size_t colon = text.rfind(':');
  const auto port = colon == std::string::npos ? std::nullopt
                                               : ParseInt(std::string_view(text).substr(colon + 1));
  if (!port || *port < 0 || *port > 65535 || colon == 0)
    return Error(Code::kInvalidArgument, "'{}' is not an address such as 127.0.0.1:8080", text);
  return HostPort{text.substr(0, colon), static_cast<uint16_t>(*port)};
}

void AddLogLevel(CLI::App& app) {
  app.add_option_function<std::string>(
         "--log-level",
         [](const std::string& name) {
           constexpr std::array<std::string_view, 5> kNames = {"debug", "info", "warning", "error",
                                                               "off"};
           for (size_t i = 0; i < kNames.size(); ++i)
             if (kNames[i] == name) return SetLogLevel(static_cast<LogLevel>(i));
           throw CLI::ValidationError("--log-level",
                                      "'" + name + "' is none of debug, info, warning, error, off");
         },
         "What is logged on standard error: debug, info, warning, error, off (default: info)")
      ->type_name("LEVEL");
}

void NameEnvironmentVariables(CLI::App& app) {
  for (CLI::Option* const option : app.get_options()) {
    const std::string name = option->get_single_name();
    if (option->get_lnames().empty() || name == "help" || name == "version" || name == "config")
      continue;
    std::string variable = "SARAI_";
    for (const char c : name)
      variable += c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    option->envname(variable);
  }
  for (CLI::App* const subcommand : app.get_subcommands({})) NameEnvironmentVariables(*subcommand);
}

}  // namespace sarai::cli
