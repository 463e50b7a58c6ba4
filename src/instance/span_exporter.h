// Sends traces as OpenTelemetry spans to a collector, over OTLP/HTTP (JSON), in batches.
//
// Its place: the tracer's exporter, owned by the core. Threads: Add from any; one thread of its own
// encodes, sends and waits, so that no request ever does. Bounded: what comes while
// `max_queue_size` spans wait is dropped and counted; a batch is tried `max_tries` times.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/executor.h"
#include "net/event_loops.h"
#include "net/transport.h"
#include "telemetry/otlp.h"
#include "telemetry/trace_context.h"

namespace sarai::instance {

struct SpanExporterOptions {
  std::string url = "http://localhost:4318/v1/traces";
  telemetry::ResourceAttributes resource;
  // Triton's bsp_*.
  uint32_t max_queue_size = 2048;                  // spans
  std::chrono::milliseconds schedule_delay{5000};  // a batch goes after it at the latest
  uint32_t max_batch = 512;                        // spans
  uint32_t max_tries = 5;
  std::chrono::milliseconds first_pause{500};  // between tries; doubled each time
  std::chrono::milliseconds timeout{10000};    // of one try
};

class SpanExporter {
 public:
  // `clock` outlives it. Errors: kInvalidArgument names what is wrong with the URL.
  static Result<std::unique_ptr<SpanExporter>> Make(SpanExporterOptions options,
                                                    const Clock& clock);
  ~SpanExporter();  // sends what waits, once

  void Add(TraceRecord record);
  uint64_t dropped() const { return dropped_; }  // spans, lost for whatever reason
  uint64_t sent() const { return sent_; }        // spans

 private:
  struct Target {
    std::string address, path;
  };
  SpanExporter(SpanExporterOptions options, Target target, const Clock& clock);
  static Result<Target> ParseUrl(const std::string& url);

  // On the thread.
  void Take(const TraceRecord& record);
  void Arm();
  void SendBatch();
  void Try(std::string body, size_t spans, uint32_t tries);
  bool Again(const std::expected<http::Response, net::SendError>& answer) const;

  const SpanExporterOptions options_;
  const Target target_;
  const Clock& clock_;
  telemetry::TraceIds ids_;
  std::atomic<uint64_t> dropped_ = 0, sent_ = 0;
  std::atomic<uint32_t> waiting_ = 0;  // records handed over, not yet spans
  std::atomic<bool> stopping_ = false;

  // The thread's.
  std::deque<std::string> spans_;
  bool armed_ = false, sending_ = false;

  net::EventLoops loops_{1};
  const std::unique_ptr<net::Transport> transport_;
  ThreadPool thread_{"spans", 1};
};

}  // namespace sarai::instance
