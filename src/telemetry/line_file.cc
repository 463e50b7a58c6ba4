#include "telemetry/line_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <future>
#include <utility>

namespace sarai::telemetry {
namespace {

constexpr int kMode = 0644;

bool WriteAll(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = ::write(fd, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return false;
    text.remove_prefix(static_cast<size_t>(count));
  }
  return true;
}

}  // namespace

Result<std::unique_ptr<LineFile>> LineFile::Open(const Options& options) {
  UniqueFd fd(options.path == "-"
                  ? ::dup(STDOUT_FILENO)
                  : ::open(options.path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, kMode));
  if (!fd.valid())
    return Error(Code::kInvalidArgument, "cannot write to '{}': {}", options.path,
                 std::strerror(errno));
  return std::unique_ptr<LineFile>(new LineFile(std::move(fd), options));
}

LineFile::LineFile(UniqueFd fd, const Options& options)
    : fd_(std::move(fd)), max_waiting_(options.max_waiting) {}

LineFile::~LineFile() { Flush(); }

void LineFile::Add(std::string line) {
  if (waiting_.fetch_add(1) >= max_waiting_) {
    waiting_.fetch_sub(1);
    dropped_.fetch_add(1);
    return;
  }
  thread_.Post([this, line = std::move(line) + "\n"] {
    if (!WriteAll(fd_.get(), line)) dropped_.fetch_add(1);
    waiting_.fetch_sub(1);
  });
}

void LineFile::Flush() {
  std::promise<void> reached;
  thread_.Post([&reached] { reached.set_value(); });
  reached.get_future().wait();
}

}  // namespace sarai::telemetry
