// Picks the requests that are traced, and takes their records to where they are wanted: Triton's
// trace file or, in mode opentelemetry, an exporter; and all requests' to the access log.
//
// Its place: one per instance; the model manager asks it per request, the front ends change its
// settings. Threads: any. While nothing is wanted, asking costs one relaxed load.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "base/status.h"
#include "telemetry/trace_context.h"
#include "telemetry/trace_file.h"
#include "telemetry/trace_settings.h"
#include "types/trace.h"

namespace sarai::telemetry {

class Tracer {
 public:
  struct Options {
    TraceValues start;
    std::string file;             // where traces go in mode triton; empty = nowhere
    uint32_t max_waiting = 1024;  // traces that wait to be written
    // Set = mode opentelemetry: it gets the records. As long as a request is answered; any thread;
    // must not block.
    std::function<void(TraceRecord)> exporter;
    TraceSettingTexts exporter_settings;  // shown beside the others
    // Set: gets the record of every request that no other one caused. As `exporter`.
    std::function<void(const TraceRecord&)> access;
  };
  explicit Tracer(Options options);

  // Null = nothing is wanted of this request.
  TracePtr Start(const std::string& model, const std::string& request_id, const Caller& caller);

  // `model` empty = the server's.
  TraceSettingTexts Settings(const std::string& model) const;
  Status Update(const std::string& model, const TraceSettingTexts& changes);

  void Flush();              // blocks until the records handed over are in the file
  uint64_t dropped() const;  // records that did not get into the file

 private:
  struct Tally {
    uint64_t seen = 0;
    int32_t left = -1;
  };
  struct Sinks;
  bool opentelemetry() const { return options_.exporter != nullptr; }
  // What decides for this model: its own tally where it has settings, else the server's.
  std::string KeyOf(const std::string& model) const;
  // `forced`: whatever rate and count say, a caller traces this request.
  bool Pick(const std::string& model, bool forced, TraceValues& values);
  TracePtr Make(TraceRecord record, const TraceValues& values);

  const Options options_;
  const std::shared_ptr<const Sinks> sinks_;
  std::atomic<bool> any_ = false;  // is any request traced?

  mutable std::mutex mu_;
  TraceTable table_;                      // guarded by mu_
  std::map<std::string, Tally> tallies_;  // guarded by mu_
};

}  // namespace sarai::telemetry
