// KServe v2 over gRPC for whole endpoints: the metadata sarai-endpoint names one, or there is only
// one. Inference and what is asked about one model are carried to an instance as bytes; what is
// asked about the server is answered for the endpoint.
//
// Threads: any; nothing here blocks. Calls may be answered after it is gone.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "gateway/dispatcher.h"
#include "gateway/kserve/grpc_stream.h"
#include "net/grpc/server.h"
#include "wire/kserve/restricted_apis.h"

namespace sarai::gateway {

class GrpcFront {
 public:
  GrpcFront(std::shared_ptr<Dispatcher> dispatcher, std::function<std::string()> new_id)
      : parts_(
            std::make_shared<const GrpcParts>(GrpcParts{std::move(dispatcher), std::move(new_id)})),
        streams_(std::make_shared<net::GrpcOpenStreams>()) {}

  void Handle(net::GrpcCallPtr call) const;
  // Streams take no more requests, and end when those in flight are answered.
  void BeginDrain() { streams_->Drain(); }

 private:
  const std::shared_ptr<const GrpcParts> parts_;
  const std::shared_ptr<net::GrpcOpenStreams> streams_;
};

}  // namespace sarai::gateway
