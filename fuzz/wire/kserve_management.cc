// The JSON bodies about models and the server: which one in the first line, then the body.
#include "fuzz/fuzz.h"
#include "wire/json/json.h"
#include "wire/json/text.h"
#include "wire/kserve/kserve.h"
#include "wire/kserve/management.h"

namespace sarai::fuzz {
namespace {

constexpr uint64_t kMaxFileBytes = 4096;

void Load(std::string_view body) {
  const auto request = kserve::ParseLoadRequest(body, kMaxFileBytes);
  if (!ExpectAnswer(request)) return;
  uint64_t bytes = 0;
  for (const auto& [name, file] : request->files) bytes += file.size();
  FUZZ_EXPECT(bytes <= kMaxFileBytes);
}

void System(std::string_view body) {
  const auto region = kserve::ParseSystemRegister(body, "a \"name\"\xFF");
  if (!ExpectAnswer(region)) return;
  FUZZ_EXPECT(json::Parse(kserve::EncodeRegions(std::vector{*region})).has_value());
}

void Cuda(std::string_view body) {
  const auto region = kserve::ParseCudaRegister(body, "name");
  if (!ExpectAnswer(region)) return;
  FUZZ_EXPECT(json::Parse(kserve::EncodeRegions(std::vector{*region})).has_value());
}

void Trace(std::string_view body) {
  const auto settings = kserve::ParseTraceSettings(body);
  if (!ExpectAnswer(settings)) return;
  const std::string text = kserve::EncodeTraceSettings(*settings);
  const auto again = kserve::ParseTraceSettings(text);
  FUZZ_EXPECT(again.has_value(), "{}", text);
  FUZZ_EXPECT(kserve::EncodeTraceSettings(*again) == text, "{}", text);
}

void Log(std::string_view body) {
  const auto settings = kserve::ParseLogSettings(body);
  if (!ExpectAnswer(settings)) return;
  const std::string text = kserve::EncodeLogSettings(*settings);
  const auto again = kserve::ParseLogSettings(text);
  FUZZ_EXPECT(again.has_value(), "{}", text);
  FUZZ_EXPECT(*again == *settings, "{}", text);
}

void Run(Input input) {
  const std::string_view kind = input.Line(), body = input.rest();
  if (kind == "load") Load(body);
  if (kind == "unload") ExpectAnswer(kserve::ParseUnloadRequest(body));
  if (kind == "index") ExpectAnswer(kserve::ParseIndexRequest(body));
  if (kind == "system") System(body);
  if (kind == "cuda") Cuda(body);
  if (kind == "trace") Trace(body);
  if (kind == "log") Log(body);
}

}  // namespace
}  // namespace sarai::fuzz

FUZZ_TARGET(sarai::fuzz::Run)
