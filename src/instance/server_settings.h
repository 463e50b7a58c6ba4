// Trace and log settings as the protocols read and change them: one implementation for all fronts.
//
// Threads: any. `manager` and `tracer` outlive it.
#pragma once

#include <functional>
#include <mutex>
#include <string>

#include "instance/model_manager.h"
#include "telemetry/tracer.h"
#include "wire/kserve/management.h"

namespace sarai::instance {

class ServerSettings {
 public:
  ServerSettings(ModelManager& manager, telemetry::Tracer& tracer, std::string log_file)
      : manager_(manager), tracer_(tracer), log_file_(std::move(log_file)) {}

  // `model` empty = the server's. No changes: reads. Errors: kInvalidArgument, an unknown model
  // too; kUnimplemented, for what cannot change.
  using TraceCallback = std::move_only_function<void(Result<kserve::TraceSettings>)>;
  void Trace(std::string model, kserve::TraceSettings changes, TraceCallback done);

  Result<kserve::LogSettings> Log(const kserve::LogSettings& changes);

 private:
  static Result<kserve::TraceSettings> ApplyTrace(telemetry::Tracer& tracer,
                                                  const std::string& model,
                                                  const kserve::TraceSettings& changes);

  ModelManager& manager_;
  telemetry::Tracer& tracer_;
  const std::string log_file_;
  std::mutex log_mu_;  // one change of the log's switches at a time
};

}  // namespace sarai::instance
