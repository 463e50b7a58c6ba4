// Flags of TLS on an HTTP port; Triton has none. Those of gRPC are in grpc_flags.h.
#pragma once

#include "net/server.h"

namespace CLI {
class App;
}

namespace sarai::cli {

void AddHttpTlsFlags(CLI::App& app, net::TlsOptions& tls);

}  // namespace sarai::cli
