// Certificates for tests: an authority and whom it vouches for, as PEM files in a folder of the
// test's own.
#pragma once

#include <memory>
#include <string>

namespace sarai::net {

class CertificateAuthority {
 public:
  explicit CertificateAuthority(const std::string& name);
  ~CertificateAuthority();

  std::string file() const { return folder_ + "/authority.pem"; }

  struct Files {
    std::string certificate, key;
  };
  // `where` as in a certificate: "IP:127.0.0.1", "DNS:localhost".
  Files Certify(const std::string& name, const std::string& where = "IP:127.0.0.1");

 private:
  struct Keys;

  std::string folder_;
  std::unique_ptr<Keys> keys_;
};

}  // namespace sarai::net
