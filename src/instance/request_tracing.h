// What a traced request's record says of its way through the instance.
#pragma once

#include "telemetry/tracer.h"
#include "types/inference.h"

namespace sarai::instance {

// Asks for a trace, unless the request brings one or was caused by another that has none.
void BeginTrace(telemetry::Tracer& tracer, InferRequest& request, TimePoint arrived);

// `response`: one of its answers, or its failure.
void NoteAnswer(const TracePtr& trace, const Result<InferResponse>& response, TimePoint now);

}  // namespace sarai::instance
