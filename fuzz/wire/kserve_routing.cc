// What the gateway reads of a request before it knows who answers it, and the frames in which
// answers come back.
#include "fuzz/fuzz.h"
#include "grpc_service.pb.h"
#include "wire/kserve/grpc_over_http.h"
#include "wire/kserve/protobuf_message.h"
#include "wire/kserve/routing_fields.h"

namespace sarai::fuzz {
namespace {

namespace codec = kserve::grpc;

constexpr uint64_t kMaxFrameBytes = 1 << 16;

// Where protobuf's own reader takes the message, both found the same.
void ReadRequest(const Blob& message) {
  (void)kserve::SequenceOf(message.text());
  (void)codec::IsFinalInStream(message);
  const auto fields = codec::ReadRoutingFields(message);
  if (!ExpectAnswer(fields)) return;
  const auto theirs = codec::Parse<inference::ModelInferRequest>(message);
  if (!theirs) return;
  FUZZ_EXPECT(theirs->model_name() == fields->model);
  FUZZ_EXPECT(theirs->id() == fields->request_id);
  FUZZ_EXPECT(fields->sequence.id.empty() || theirs->parameters().contains("sequence_id"));
}

// All frames as one text, up to the first that is none.
std::string ReadFrames(const Blob& bytes, size_t step) {
  codec::FrameReader reader(kMaxFrameBytes);
  std::string text;
  for (size_t at = 0; at < bytes.size(); at += step) {
    reader.Add(bytes.Slice(at, std::min(step, bytes.size() - at)));
    while (true) {
      const auto frame = reader.Next();
      if (!ExpectAnswer(frame)) return text + "(broken)";
      if (!*frame) break;
      FUZZ_EXPECT((*frame)->message.size() <= kMaxFrameBytes);
      text += fmt::format("({} {} {})", (*frame)->is_end, (*frame)->message.text(),
                          (*frame)->end.message);
    }
  }
  return text;
}

void Run(Input input) {
  const Blob bytes = input.RestAsBlob();
  ReadRequest(bytes);
  const std::string whole = ReadFrames(bytes, std::max<size_t>(bytes.size(), 1));
  FUZZ_EXPECT(ReadFrames(bytes, bytes.size() % 7 + 1) == whole);
}

}  // namespace
}  // namespace sarai::fuzz

FUZZ_TARGET(sarai::fuzz::Run)
