// InvokeEndpoint: the target in the first line, then headers, an empty line, the body.
#include "fuzz/fuzz.h"
#include "gateway/invoke_request.h"
#include "net/internal/heads.h"

namespace sarai::fuzz {
namespace {

void Run(Input input) {
  constexpr uint64_t kMaxBodyBytes = 256;
  http::Request request{.method = "POST", .target = std::string(input.Line())};
  for (std::string_view line = input.Line(); !line.empty(); line = input.Line()) {
    const size_t colon = std::min(line.find(':'), line.size());
    request.headers.Add(std::string(line.substr(0, colon)),
                        std::string(line.substr(std::min(colon + 1, line.size()))));
  }
  request.body = input.RestAsBlob();
  const auto invoke = gateway::ParseInvoke(request, kMaxBodyBytes);
  if (!ExpectAnswer(invoke)) return;
  FUZZ_EXPECT(!invoke->endpoint.empty() && invoke->endpoint.size() <= 63);
  FUZZ_EXPECT(invoke->body.size() <= kMaxBodyBytes);
  const std::string name = gateway::OpaqueModelName("s3://b/", invoke->target_model);
  const http::Request forward = gateway::ForwardRequest(*invoke, name, "id");
  FUZZ_EXPECT(forward.body.data() == request.body.data(), "copied");
  std::string head;
  const Status status = net::AppendRequestHead(head, forward, "instance");
  FUZZ_EXPECT(status.ok(), "{}", status.message());
}

}  // namespace
}  // namespace sarai::fuzz

FUZZ_TARGET(sarai::fuzz::Run)
