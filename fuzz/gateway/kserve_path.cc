// A KServe request at an endpoint: its method and its target, a line each.
#include "fuzz/fuzz.h"
#include "gateway/kserve/http_call.h"

namespace sarai::fuzz {
namespace {

using gateway::HttpCall;

void Run(Input input) {
  http::Request request;
  request.method = input.Line();
  request.target = input.Line();
  if (!gateway::IsKservePath(request.target)) return;
  const auto call = gateway::ParseHttpCall(request);
  if (!ExpectAnswer(call)) return;
  const bool of_model =
      call->kind == HttpCall::Kind::kModel || call->kind == HttpCall::Kind::kInfer;
  FUZZ_EXPECT(!of_model || !call->model.empty());
  if (!of_model) return;
  // What an instance is asked means the same.
  const auto again = gateway::ParseHttpCall({.method = request.method, .target = call->target});
  FUZZ_EXPECT(again.has_value(), "{}", call->target);
  FUZZ_EXPECT(again->model == call->model && again->kind == call->kind, "{}", call->target);
  FUZZ_EXPECT(again->target == call->target, "{}", call->target);
}

}  // namespace
}  // namespace sarai::fuzz

FUZZ_TARGET(sarai::fuzz::Run)
