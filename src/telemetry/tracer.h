// Picks the requests that are traced and takes their records to the trace file.
//
// Its place: one per instance; the front ends ask it per request and change its settings.
// Threads: any. While nothing is traced, asking costs one relaxed load.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "base/status.h"
#include "telemetry/trace_file.h"
#include "telemetry/trace_settings.h"
#include "types/trace.h"

namespace sarai::telemetry {

class Tracer {
 public:
  struct Options {
    TraceValues start;
    std::string file;             // where traces go; empty = nowhere
    uint32_t max_waiting = 1024;  // traces that wait to be written
  };
  explicit Tracer(Options options);

  // Null = this request is not traced.
  TracePtr Start(const std::string& model, std::string request_id, bool over_grpc);

  // `model` empty = the server's.
  TraceSettingTexts Settings(const std::string& model) const;
  Status Update(const std::string& model, const TraceSettingTexts& changes);

  void Flush();              // blocks until the records handed over are written
  uint64_t dropped() const;  // records

 private:
  struct Tally {
    uint64_t seen = 0;
    int32_t left = -1;
  };
  // What decides for this model: its own tally where it has settings, else the server's.
  std::string KeyOf(const std::string& model) const;
  bool Pick(const std::string& model, TraceValues& values);

  const Options options_;
  const std::shared_ptr<TraceFile> file_;  // null = nowhere
  const std::shared_ptr<std::atomic<uint64_t>> next_id_ =
      std::make_shared<std::atomic<uint64_t>>(1);
  std::atomic<bool> any_ = false;

  mutable std::mutex mu_;
  TraceTable table_;                      // guarded by mu_
  std::map<std::string, Tally> tallies_;  // guarded by mu_
};

}  // namespace sarai::telemetry
