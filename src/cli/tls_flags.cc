#include "cli/tls_flags.h"

#include <CLI/CLI.hpp>

namespace sarai::cli {

void AddHttpTlsFlags(CLI::App& app, net::TlsOptions& tls) {
  const auto file = [&app](const char* flag, std::string& path, const char* help) {
    return app.add_option(flag, path, help)->type_name("FILE");
  };
  CLI::Option* const certificate =
      file("--http-tls-cert", tls.certificate_file, "PEM, with its chain: serve HTTPS only");
  CLI::Option* const key = file("--http-tls-key", tls.key_file, "PEM");
  certificate->needs(key);
  key->needs(certificate);
  file("--http-tls-client-ca", tls.client_authority_file,
       "PEM: clients must show a certificate that it has signed")
      ->needs(certificate);
}

}  // namespace sarai::cli
