// The messages about models and the server: which one in the first line, then its bytes.
#include "fuzz/fuzz.h"
#include "wire/json/json.h"
#include "wire/kserve/grpc_codec.h"

namespace sarai::fuzz {
namespace {

namespace grpc = kserve::grpc;

constexpr uint64_t kMaxFileBytes = 4096;

void Load(const Blob& message) {
  const auto request = grpc::ParseLoadRequest(message, kMaxFileBytes);
  if (!ExpectAnswer(request)) return;
  uint64_t bytes = 0;
  for (const auto& [name, file] : request->load.files) bytes += file.size();
  FUZZ_EXPECT(bytes <= kMaxFileBytes);
}

void Trace(const Blob& message) {
  const auto request = grpc::ParseTraceSettings(message);
  if (!ExpectAnswer(request)) return;
  FUZZ_EXPECT(json::ParseObject(kserve::EncodeTraceSettings(request->settings)).has_value());
  const auto again = grpc::ParseTraceSettings(grpc::EncodeTraceSettings(request->settings));
  FUZZ_EXPECT(again.has_value() && again->settings == request->settings);
}

void Log(const Blob& message) {
  const auto settings = grpc::ParseLogSettings(message);
  if (!ExpectAnswer(settings)) return;
  FUZZ_EXPECT(json::ParseObject(kserve::EncodeLogSettings(*settings)).has_value());
  const auto again = grpc::ParseLogSettings(grpc::EncodeLogSettings(*settings));
  FUZZ_EXPECT(again.has_value() && *again == *settings);
}

void Run(Input input) {
  const std::string_view kind = input.Line();
  const Blob message = input.RestAsBlob();
  if (kind == "name") ExpectAnswer(grpc::ParseModelName(message));
  if (kind == "index") ExpectAnswer(grpc::ParseIndexRequest(message));
  if (kind == "load") Load(message);
  if (kind == "unload") ExpectAnswer(grpc::ParseUnloadRequest(message));
  if (kind == "region") ExpectAnswer(grpc::ParseRegionName(message));
  if (kind == "system") ExpectAnswer(grpc::ParseSystemRegister(message));
  if (kind == "cuda") ExpectAnswer(grpc::ParseCudaRegister(message));
  if (kind == "trace") Trace(message);
  if (kind == "log") Log(message);
  if (kind == "health") ExpectAnswer(grpc::ParseHealthCheck(message));
  if (kind == "reflection") ExpectAnswer(grpc::AnswerReflection(message));
}

}  // namespace
}  // namespace sarai::fuzz

FUZZ_TARGET(sarai::fuzz::Run)
