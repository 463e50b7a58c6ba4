// One model server: KServe v2 over HTTP and the MME container contract, over one engine, with the
// disk tier and residency behind it.
//
// Its place: the top of an instance process. `cli` starts one, prints its addresses, waits for a
// signal and drains it. It owns everything below it; nothing below knows it.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/status.h"
#include "instance/options.h"

namespace sarai::instance {

class Instance {
 public:
  // Called once, on a thread of the instance's: what is loaded from the start is loaded, or why
  // some of it is not. Must not block.
  using OnLoaded = std::move_only_function<void(Status)>;
  // Opens the disk tier and the backends' registry, listens, begins to load what the control mode
  // says (single_model: in the background). `clock` must outlive it. Errors name the option that is
  // wrong.
  static Result<std::unique_ptr<Instance>> Start(
      InstanceOptions options, const Clock& clock, OnLoaded on_loaded = [](const Status&) {});
  ~Instance();  // Drain, if nobody did

  std::string http_address() const;     // "127.0.0.1:34567"; empty where HTTP is not served
  std::string grpc_address() const;     // empty where gRPC is not served
  std::string metrics_address() const;  // the same where metrics have no port of their own

  // Stops accepting, lets requests in flight be answered (at most for drain_patience), unloads all
  // models. Blocks; idempotent. Backend hosts end with destruction.
  void Drain();

 private:
  struct Impl;
  explicit Instance(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace sarai::instance
