// One model server: KServe v2 over HTTP and the MME container contract, over one engine, with the
// disk tier and residency behind it.
//
// Its place: the top of an instance process. `cli` starts one, prints its addresses, waits for a
// signal and drains it. It owns everything below it; nothing below knows it.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/status.h"
#include "instance/options.h"

namespace sarai::instance {

class Instance {
 public:
  // Opens the disk tier and the backends' registry, scans the repositories, listens. Models are
  // loaded later, by requests (single_model: at once, in the background). `clock` must outlive it.
  // Errors name the option that is wrong.
  static Result<std::unique_ptr<Instance>> Start(InstanceOptions options, const Clock& clock);
  ~Instance();  // Drain, if nobody did

  std::string http_address() const;     // "127.0.0.1:34567"
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
