#include "cli/bench_display.h"

#include <unistd.h>

#include <cstdio>

#include <fmt/format.h>

#include "cli/signals.h"

namespace sarai::cli {
namespace {

constexpr double kFirstLineSeconds = 1, kPlainLineSeconds = 5;

std::string Line(const std::string& load, const loadgen::Progress& now) {
  if (now.warming_up) return fmt::format("{}: warming up", load);
  std::string line =
      fmt::format("{}: {:.0f} s  {} answered ({:.0f}/s)  p50 {}  p99 {}", load, now.seconds,
                  now.answered, static_cast<double>(now.answered) / std::max(now.seconds, 0.1),
                  loadgen::DurationText(now.p50), loadgen::DurationText(now.p99));
  if (now.failed > 0) line += fmt::format("  {} failed", now.failed);
  if (now.refused > 0) line += fmt::format("  {} not sent", now.refused);
  return line;
}

}  // namespace

BenchDisplay::BenchDisplay(bool quiet) : quiet_(quiet), terminal_(isatty(STDERR_FILENO) != 0) {}

void BenchDisplay::Show(const loadgen::Progress& progress) {
  if (quiet_) return;
  if (terminal_) {
    fmt::print(stderr, "\r\033[K{}", Line(load_, progress).substr(0, 110));
    std::fflush(stderr);
  } else if (progress.seconds >= next_line_at_) {
    fmt::print(stderr, "{}\n", Line(load_, progress));
    next_line_at_ = progress.seconds + kPlainLineSeconds;
  }
}

void BenchDisplay::Clear() {
  if (terminal_ && !quiet_) fmt::print(stderr, "\r\033[K");
}

loadgen::BenchEvents BenchDisplay::Events() {
  return {.on_begin =
              [this](const loadgen::Report& report) {
                if (!quiet_) fmt::print(stderr, "{}: {}\n", report.target, report.workload);
              },
          .on_step =
              [this](const std::string& load) {
                load_ = load;
                next_line_at_ = kFirstLineSeconds;
              },
          .on_progress =
              [this](const loadgen::Progress& progress) {
                Show(progress);
                return !StopAsked();
              }};
}

}  // namespace sarai::cli
