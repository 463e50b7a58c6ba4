// Text format can spell any byte in a string ("\377"); JSON and gRPC can carry text only.
#pragma once

#include "base/status.h"

namespace google::protobuf {
class Message;
}

namespace sarai::modelconfig {

// Error names the first string field that is not valid UTF-8.
Status CheckUtf8(const google::protobuf::Message& message);

}  // namespace sarai::modelconfig
