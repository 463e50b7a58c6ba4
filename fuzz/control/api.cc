// Calls of SageMaker's and CloudWatch's APIs, one after the other, as tests/golden/aws has them:
//
//   > TARGET
//   {…}
//
// Every call is answered in JSON, and none with an internal failure.
#include "base/strings.h"
#include "control/front.h"
#include "control/handlers/cloudwatch.h"
#include "control/handlers/handlers.h"
#include "control/metrics/metric_keeper.h"
#include "control/test_fleet.h"
#include "fuzz/fuzz.h"
#include "wire/http/text_of.h"

namespace sarai::fuzz {
namespace {

using namespace control;

constexpr size_t kMaxCalls = 12;
constexpr uint64_t kMaxBodyBytes = 1 << 16;

// The control room with its state in memory and no instance that runs.
class Room {
 public:
  http::Response Answer(const http::Request& request) {
    const auto version = VersionOf(request);
    const auto parsed = ParseCall(request, kMaxBodyBytes, "no-region");
    if (!parsed) return awsjson::JsonError(parsed.error(), version, "id");
    const ApiResult result = parsed->service == Service::kSageMaker
                                 ? HandleSageMaker(sagemaker_, parsed->call)
                                 : HandleCloudWatch(cloudwatch_, parsed->call);
    return result ? awsjson::JsonAnswer(*result, version, "id")
                  : awsjson::JsonError(result.error(), version, "id");
  }

 private:
  ManualClock clock_;
  ControlOptions options_;
  telemetry::DecisionLog decisions_;
  SimulatedProvider provider_;
  SimulatedNetwork network_;
  std::shared_ptr<ManualExecutor> strand_ = std::make_shared<ManualExecutor>(clock_);
  Fleet fleet_{options_, provider_, network_, clock_, strand_, decisions_, [] {}};
  std::unique_ptr<State> state_ = std::move(*State::Open(":memory:"));
  std::unique_ptr<MetricStore> store_ = std::move(*MetricStore::Open(":memory:", 100));
  MetricRecorder recorder_{options_.metrics};
  MetricKeeper keeper_{options_.metrics, *store_, recorder_,
                       clock_,           strand_, [] { return nullptr; }};
  SageMakerServices sagemaker_{options_, *state_, fleet_, clock_, [] {}};
  CloudWatchServices cloudwatch_{*store_, recorder_, clock_, [this] { keeper_.Flush(); }};
};

void Call(Room& room, std::string_view target, std::string body) {
  http::Request request{.method = "POST", .target = "/"};
  request.headers.Add("X-Amz-Target", std::string(target));
  request.body = Blob::FromString(std::move(body));
  const http::Response response = room.Answer(request);
  const std::string text = http::TextOf(response);
  FUZZ_EXPECT(json::ParseObject(text, {.max_bytes = SIZE_MAX}).has_value(), "{}", text);
  FUZZ_EXPECT(response.status == 200 || response.status / 100 == 4, "{} {}", response.status, text);
}

void Run(Input input) {
  Room room;
  std::string_view target;
  std::string body;
  bool in_body = false;
  for (size_t calls = 0; calls < kMaxCalls;) {
    const bool end = input.rest().empty();
    const std::string_view line = input.Line();
    const bool begins = line.starts_with("> ");
    if ((end || begins || line.starts_with("< ")) && in_body) {
      Call(room, target, std::exchange(body, {}));
      ++calls;
      in_body = false;
    }
    if (end) return;
    if (begins) target = line.substr(2);
    if (begins)
      in_body = true;
    else if (in_body)
      body.append(line).append("\n");
  }
}

}  // namespace
}  // namespace sarai::fuzz

FUZZ_TARGET(sarai::fuzz::Run)
