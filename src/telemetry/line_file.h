// Lines appended to a file by a thread of its own. Bounded: what comes while `max_waiting` lines
// wait is dropped and counted. Threads: Add from any.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "base/executor.h"
#include "base/status.h"
#include "base/unique_fd.h"

namespace sarai::telemetry {

class LineFile {
 public:
  struct Options {
    std::string path;             // "-" = standard output
    uint32_t max_waiting = 4096;  // lines
  };
  static Result<std::unique_ptr<LineFile>> Open(const Options& options);
  ~LineFile();  // writes what waits

  void Add(std::string line);  // without its end
  void Flush();                // blocks until what was added is written
  uint64_t dropped() const { return dropped_; }

 private:
  LineFile(UniqueFd fd, const Options& options);

  const UniqueFd fd_;
  const uint32_t max_waiting_;
  std::atomic<uint64_t> dropped_ = 0;
  std::atomic<uint32_t> waiting_ = 0;
  ThreadPool thread_{"lines", 1};
};

}  // namespace sarai::telemetry
