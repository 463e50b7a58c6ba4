// Bytes -> one of protobuf's generated messages.
#pragma once

#include <cstdint>

#include <google/protobuf/message.h>
#include <google/protobuf/stubs/logging.h>

#include "base/blob.h"
#include "base/status.h"

namespace sarai::kserve::grpc {

template <typename Message>
Result<Message> Parse(const Blob& bytes) {
  const google::protobuf::LogSilencer quiet;  // what is wrong is told to the client
  Message message;
  if (bytes.size() <= INT32_MAX &&
      message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())))
    return message;
  return Error(Code::kInvalidArgument, "the request is not a valid {}",
               Message::descriptor()->name());
}

}  // namespace sarai::kserve::grpc
