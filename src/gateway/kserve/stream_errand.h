// One request of a gRPC stream as an errand; its answers go back into the stream.
#pragma once

#include <memory>

#include "gateway/errand.h"
#include "gateway/kserve/grpc_stream.h"

namespace sarai::gateway {

std::unique_ptr<Errand> MakeStreamErrand(std::shared_ptr<GrpcStream> stream,
                                         GrpcStream::SlotPtr slot, Route route);

}  // namespace sarai::gateway
