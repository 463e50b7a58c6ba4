// An instance's fronts, HTTP and gRPC, and what both change: settings and shared-memory regions.
//
// Its place: the core's, before its parts. Threads: any; requests may still be answered after it is
// gone.
#pragma once

#include <memory>

#include "base/status.h"
#include "instance/core_parts.h"
#include "instance/front/front_door.h"
#include "instance/front/grpc/grpc_front.h"
#include "instance/health.h"
#include "instance/server_settings.h"
#include "instance/shared_memory.h"

namespace sarai::instance {

class Fronts {
 public:
  // `parts` and `health` outlive it. Errors name the restriction or the pattern that is wrong.
  static Result<std::unique_ptr<Fronts>> Open(CoreParts& parts, Health& health);

  FrontDoor& http() { return *door_; }
  GrpcFront& grpc() { return *grpc_; }

 private:
  Fronts(CoreParts& parts, Health& health);
  Status OpenHttp();
  Status OpenGrpc();
  MmeFrontOptions MmeOptions();
  std::function<Status()> ReadyCheck();

  CoreParts& parts_;
  Health& health_;
  ServerSettings settings_;
  SharedMemory shared_memory_;
  std::unique_ptr<FrontDoor> door_;
  std::unique_ptr<GrpcFront> grpc_;
};

}  // namespace sarai::instance
