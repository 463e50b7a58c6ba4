#include "instance/server_settings.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "telemetry/log_settings.h"

namespace sarai::instance {

// A model is known when it is loaded or in the index: settings of made-up names would only grow.
void ServerSettings::Trace(std::string model, kserve::TraceSettings changes, TraceCallback done) {
  if (model.empty() || manager_.Serving(model) != nullptr)
    return done(ApplyTrace(tracer_, model, changes));
  manager_.Index([&tracer = tracer_, model = std::move(model), changes = std::move(changes),
                  done = std::move(done)](const Result<std::vector<IndexRow>>& rows) mutable {
    if (!rows) return done(Error(rows.error()));
    if (std::ranges::find(*rows, model, &IndexRow::name) == rows->end())
      return done(Error(Code::kInvalidArgument, "Request for unknown model : {}", model));
    done(ApplyTrace(tracer, model, changes));
  });
}

Result<kserve::TraceSettings> ServerSettings::ApplyTrace(telemetry::Tracer& tracer,
                                                         const std::string& model,
                                                         const kserve::TraceSettings& changes) {
  SARAI_CHECK_OK(tracer.Update(model, changes));
  return tracer.Settings(model);
}

Result<kserve::LogSettings> ServerSettings::Log(const kserve::LogSettings& changes) {
  const std::lock_guard lock(log_mu_);
  SARAI_TRY(const LogSwitches switches, telemetry::UpdateLog(GetLogSwitches(), changes));
  SetLogSwitches(switches);
  return telemetry::LogValues(switches, log_file_);
}

}  // namespace sarai::instance
