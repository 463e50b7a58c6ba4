// Traces in Triton's file form: a JSON array of {"id", "model_name", …}, {"id", "timestamps"} and
// {"id", "activity", "tensor"}. The array is closed after every trace: the file can be read at any
// time.
//
// Threads: Add from any; writing is done by a thread of its own. Bounded: what comes while
// `max_waiting` traces wait is dropped and counted.
#pragma once

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>

#include "base/executor.h"
#include "types/trace.h"

namespace sarai::telemetry {

// The elements of one trace, separated by commas.
std::string TraceJson(const TraceRecord& record);

class TraceFile {
 public:
  struct Options {
    std::string path;
    uint32_t max_waiting = 1024;  // traces
  };
  explicit TraceFile(Options options);
  ~TraceFile();  // writes what waits

  // log_frequency: so many traces go to PATH.0, the next to PATH.1, …; 0 = all to PATH.
  void Add(TraceRecord record, uint32_t log_frequency);
  void Flush();  // blocks until what was added is written

  uint64_t dropped() const { return dropped_; }

 private:
  void Write(const TraceRecord& record, uint32_t log_frequency);
  void Open(const std::string& path);

  const Options options_;
  std::atomic<uint64_t> dropped_ = 0;
  std::atomic<uint32_t> waiting_ = 0;

  // The writing thread's.
  std::FILE* file_ = nullptr;
  std::string open_path_;
  uint64_t in_file_ = 0, index_ = 0;

  ThreadPool thread_{"trace-file", 1};
};

}  // namespace sarai::telemetry
