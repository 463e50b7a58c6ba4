// One run of one batch: join, execute, split, with the time that each took.
#pragma once

#include <span>
#include <vector>

#include "base/clock.h"
#include "engine/served_version.h"

namespace sarai::engine {

struct Execution {
  Status status;                             // not ok: it is every request's answer
  std::vector<std::vector<Tensor>> outputs;  // by request, each ready to be answered
  Counters::Run run;                         // for the counters
};

// Of a batch, which is answered once.
Execution Execute(const ServedVersion& version, std::span<const Pending> batch, const Clock& clock);

// Of one request of a decoupled model. Its responses, and an error of the run, go to the stream.
// The states that came with responses before the run has returned are left in the request.
void ExecuteDecoupled(const ServedVersion& version, PendingRequest& request,
                      const std::shared_ptr<ResponseStream>& stream, const Clock& clock);

// A batch that failed this way may have done so because of one of its requests: each of the others
// deserves a run of its own.
bool MayBeOneRequestsFault(const Execution& execution, std::span<const Pending> batch);

}  // namespace sarai::engine
