// How a unary call ends.
#pragma once

#include "base/blob.h"
#include "base/status.h"
#include "net/grpc/server.h"
#include "wire/kserve/grpc_codec.h"

namespace sarai::instance {

inline net::GrpcStatus ToGrpc(const Status& why) {
  return {.code = kserve::grpc::GrpcCode(why.code()), .message = why.message()};
}

inline void Fail(net::GrpcCall& call, const Status& why) { call.Finish(ToGrpc(why)); }

inline void Answer(net::GrpcCall& call, const Result<Blob>& message) {
  if (!message) return Fail(call, message.error());
  call.FinishWith({*message});
}

// For answers that say nothing but that it is done.
inline void AnswerDone(net::GrpcCall& call, const Status& status) {
  if (!status.ok()) return Fail(call, status);
  call.FinishWith({});
}

}  // namespace sarai::instance
