#include "net/testing/certificates.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>

namespace sarai::net {
namespace {

constexpr long kDay = 24 * 60 * 60;

template <auto kFree>
struct Free {
  template <typename T>
  void operator()(T* object) const {
    kFree(object);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Free<X509_free>>;

void Extend(X509* certificate, X509* issuer, int extension, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* made = X509V3_EXT_conf_nid(nullptr, &context, extension, value.c_str());
  X509_add_ext(certificate, made, -1);
  X509_EXTENSION_free(made);
}

Certificate Unsigned(const std::string& name, EVP_PKEY* key) {
  Certificate certificate(X509_new());
  X509_set_version(certificate.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), std::rand());
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -kDay);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), kDay);
  X509_set_pubkey(certificate.get(), key);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate.get()), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  return certificate;
}

template <typename Write>
void WriteFile(const std::string& path, Write write) {
  std::FILE* file = std::fopen(path.c_str(), "w");
  ASSERT_NE(file, nullptr) << path;
  write(file);
  std::fclose(file);
}

}  // namespace

struct CertificateAuthority::Keys {
  Key key{EVP_EC_gen("P-256")};
  Certificate certificate;
};

CertificateAuthority::CertificateAuthority(const std::string& name)
    : folder_((std::filesystem::temp_directory_path() / "sarai-certificates-XXXXXX").string()),
      keys_(std::make_unique<Keys>()) {
  if (::mkdtemp(folder_.data()) == nullptr) ADD_FAILURE() << "no folder " << folder_;
  keys_->certificate = Unsigned(name, keys_->key.get());
  X509* own = keys_->certificate.get();
  X509_set_issuer_name(own, X509_get_subject_name(own));
  Extend(own, own, NID_basic_constraints, "critical,CA:TRUE");
  X509_sign(own, keys_->key.get(), EVP_sha256());
  WriteFile(file(), [own](std::FILE* out) { PEM_write_X509(out, own); });
}

CertificateAuthority::~CertificateAuthority() { std::filesystem::remove_all(folder_); }

CertificateAuthority::Files CertificateAuthority::Certify(const std::string& name,
                                                          const std::string& where) {
  const Key key(EVP_EC_gen("P-256"));
  const Certificate made = Unsigned(name, key.get());
  X509* issuer = keys_->certificate.get();
  X509_set_issuer_name(made.get(), X509_get_subject_name(issuer));
  Extend(made.get(), issuer, NID_subject_alt_name, where);
  X509_sign(made.get(), keys_->key.get(), EVP_sha256());
  Files files{folder_ + "/" + name + ".pem", folder_ + "/" + name + ".key"};
  WriteFile(files.certificate, [&](std::FILE* out) { PEM_write_X509(out, made.get()); });
  WriteFile(files.key, [&](std::FILE* out) {
    PEM_write_PrivateKey(out, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  });
  return files;
}

}  // namespace sarai::net
