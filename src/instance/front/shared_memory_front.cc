#include "instance/front/shared_memory_front.h"

#include "instance/front/reply.h"
#include "wire/kserve/kserve.h"
#include "wire/kserve/management.h"

namespace sarai::instance {
namespace {

http::Response Reply(const Status& status) {
  return status.ok() ? EmptyReply(200) : ErrorReply(kserve::HttpStatus(status.code()), status);
}

template <typename Region>
http::Response Reply(const Result<std::vector<Region>>& regions) {
  if (!regions) return Reply(regions.error());
  return JsonReply(200, kserve::EncodeRegions(*regions));
}

}  // namespace

SharedMemoryFront::SharedMemoryFront(SharedMemory& memory) : memory_(memory) {
  AddRoutes("/v2/systemsharedmemory", Call::kStatus, Call::kRegister, Call::kUnregister);
  AddRoutes("/v2/cudasharedmemory", Call::kCudaStatus, Call::kCudaRegister, Call::kCudaUnregister);
}

void SharedMemoryFront::AddRoutes(const std::string& prefix, Call status, Call add, Call remove) {
  router_.Add("GET", prefix + "/status", status);
  router_.Add("GET", prefix + "/region/{region}/status", status);
  router_.Add("POST", prefix + "/region/{region}/register", add);
  router_.Add("POST", prefix + "/unregister", remove);
  router_.Add("POST", prefix + "/region/{region}/unregister", remove);
}

bool SharedMemoryFront::Serves(const http::Target& target) {
  return target.segments.size() > 1 && target.segments[1].ends_with("sharedmemory");
}

http::Response SharedMemoryFront::Handle(const http::Request& request, const http::Target& target) {
  const auto match = router_.Find(request.method, target.segments);
  if (match.value == nullptr) return NoRouteReply(request, match.allowed);
  const std::string region(match.captures.Get("region"));
  switch (*match.value) {
    case Call::kStatus: return Reply(memory_.List(region));
    case Call::kCudaStatus: return Reply(memory_.ListCuda(region));
    case Call::kUnregister: return Reply(memory_.Unregister(region));
    case Call::kCudaUnregister: return Reply(memory_.UnregisterCuda(region));
    case Call::kRegister: {
      const auto parsed = kserve::ParseSystemRegister(request.body.text(), region);
      return Reply(parsed ? memory_.Register(*parsed) : parsed.error());
    }
    case Call::kCudaRegister: {
      const auto parsed = kserve::ParseCudaRegister(request.body.text(), region);
      return Reply(parsed ? memory_.RegisterCuda(*parsed) : parsed.error());
    }
  }
  return {};
}

}  // namespace sarai::instance
