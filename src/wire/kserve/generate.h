// Triton's generate extension: flat JSON objects for models of text. A member that is called like
// an input is that input, any other is a parameter; outputs come back as members. Source: Triton
// docs/protocol/extension_generate.md.
#pragma once

#include <string>
#include <string_view>

#include "base/blob.h"
#include "base/status.h"
#include "types/inference.h"
#include "types/model_spec.h"
#include "wire/kserve/kserve.h"

namespace sarai::kserve {

// Values are scalars or lists. A tensor's shape is the model's: what its fixed dimensions leave
// over goes to its last variable one. Members of a nested "parameters" object count like the
// others'. Errors: kInvalidArgument names the member and what was expected.
Result<InferRequest> ParseGenerateRequest(std::string_view body, const ModelSpec& spec,
                                          const ParseOptions& options);

// One response as a JSON object, its members by name; an output of one element is no list. Text
// that is not valid UTF-8 (a token may be half a character) is sent with U+FFFD in it.
Result<std::string> EncodeGenerateResponse(const InferResponse& response);

// The object as a server-sent event.
std::string ServerSentEvent(std::string_view json);
inline constexpr char kServerSentEventsType[] = "text/event-stream; charset=utf-8";

}  // namespace sarai::kserve
