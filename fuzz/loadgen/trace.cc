// What the load generator is given: the shape of an input in the first line, then a trace, or what
// a model says of itself.
#include "fuzz/fuzz.h"
#include "loadgen/payload.h"
#include "loadgen/trace_file.h"

namespace sarai::fuzz {
namespace {

void ReadTrace(std::string_view csv) {
  const auto trace = loadgen::ParseTrace(csv);
  if (!ExpectAnswer(trace)) return;
  FUZZ_EXPECT(trace->order.empty() || trace->at.empty() || trace->order.size() == trace->at.size());
  FUZZ_EXPECT(!trace->order.empty() || !trace->at.empty());
  for (const uint32_t model : trace->order) FUZZ_EXPECT(model < trace->models.size());
  FUZZ_EXPECT(std::ranges::is_sorted(trace->at));
  if (!trace->at.empty()) FUZZ_EXPECT(trace->at.front() == Duration(0));
}

// Requests that are made up for a model are whole.
void MakeUp(const loadgen::Signature& signature, const loadgen::PayloadOptions& options) {
  const auto request = loadgen::MakeRequest(signature, options, 1);
  if (!ExpectAnswer(request)) return;
  FUZZ_EXPECT(request->inputs.size() == signature.size());
  for (const Tensor& input : request->inputs) {
    FUZZ_EXPECT(input.data.size() <= options.max_input_bytes);
    const Status status = CheckTensorBytes(input);
    FUZZ_EXPECT(status.ok(), "{}", status.message());
  }
}

void Run(Input input) {
  loadgen::PayloadOptions options{.max_input_bytes = 4096};
  const auto flag = loadgen::ParseInputFlag(input.Line());
  if (ExpectAnswer(flag)) options.inputs.insert(*flag);
  const auto from_flags = loadgen::SignatureFromFlags(options);
  if (ExpectAnswer(from_flags)) MakeUp(*from_flags, options);
  ReadTrace(input.rest());
  const auto signature = loadgen::ParseSignature(input.rest());
  if (ExpectAnswer(signature) && signature->size() <= 64) MakeUp(*signature, options);
}

}  // namespace
}  // namespace sarai::fuzz

FUZZ_TARGET(sarai::fuzz::Run)
