// An instance without its sockets: the store, the engine, the model manager and the front ends,
// wired together. A function from HTTP requests to responses, and
// one of gRPC calls.
//
// Its place: `Instance` puts servers before it; tests call Handle. Lifetime: destruction drains.
#pragma once

#include <functional>
#include <memory>

#include "base/clock.h"
#include "base/status.h"
#include "engine/backend_registry.h"
#include "instance/options.h"
#include "net/grpc/server.h"
#include "store/object_store.h"
#include "wire/http/message.h"

namespace sarai::instance {

class Core {
 public:
  // Errors name the option that is wrong. `clock` must outlive it. `store` stands in for the one
  // that the source URL leads to; null = open that.
  static Result<std::unique_ptr<Core>> Open(InstanceOptions options, const Clock& clock,
                                            std::shared_ptr<store::ObjectStore> store = nullptr);
  ~Core();

  // Begins what runs by itself: measuring, loading what is loaded from the start. `done` is called
  // on a thread of the core's when that is loaded, or with why some of it is not.
  void Start(std::move_only_function<void(Status)> done = [](const Status&) {});
  void Handle(http::Request request, http::Responder respond);
  void HandleMetrics(http::Request request, http::Responder respond);
  void HandleGrpc(net::GrpcCallPtr call);

  // Says so where readiness is asked for, and ends long polls; requests are still answered.
  void BeginDrain();
  // Unloads all models and ends all threads but the engine's. Idempotent; blocks.
  void Stop();

  const InstanceOptions& options() const;
  engine::BackendRegistry& registry();

 private:
  struct Impl;
  explicit Core(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace sarai::instance
