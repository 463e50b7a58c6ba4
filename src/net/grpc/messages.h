// gRPC's own forms of bytes, metadata and times <-> ours. Includes gRPC's headers: for the .cc
// files of this folder only.
#pragma once

#include <map>

#include <grpcpp/grpcpp.h>

#include "base/blob.h"
#include "base/clock.h"
#include "net/grpc/message.h"

namespace sarai::net {

// A message in one piece: a view over what arrived where that is one piece already.
Blob ToBlob(const grpc::ByteBuffer& buffer);
// Small parts are joined, large ones travel as they are and are kept alive until sent.
grpc::ByteBuffer ToByteBuffer(const GrpcMessage& message);
uint64_t ByteCount(const GrpcMessage& message);
GrpcMetadata ToMetadata(const std::multimap<grpc::string_ref, grpc::string_ref>& metadata);
TimePoint ToTimePoint(gpr_timespec time);  // infinite = max
gpr_timespec ToTimespec(TimePoint time);

}  // namespace sarai::net
