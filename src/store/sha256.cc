#include "store/sha256.h"

#include <algorithm>
#include <array>
#include <new>

#include <openssl/evp.h>

#include "base/hex.h"

namespace sarai::store {

constexpr size_t kDigestBytes = 32;

void Sha256::Free::operator()(evp_md_ctx_st* context) const { EVP_MD_CTX_free(context); }

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
  if (!context_ || EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) != 1) {
    throw std::bad_alloc();
  }
}

void Sha256::Update(std::span<const std::byte> bytes) {
  EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size());
}

std::string Sha256::Finish() {
  std::array<std::byte, kDigestBytes> digest{};
  unsigned int size = 0;
  EVP_DigestFinal_ex(context_.get(), reinterpret_cast<unsigned char*>(digest.data()), &size);
  EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr);
  return HexEncode(digest);
}

std::string Sha256Hex(std::string_view text) {
  Sha256 hash;
  hash.Update(std::as_bytes(std::span(text)));
  return hash.Finish();
}

bool IsSha256Hex(std::string_view text) {
  return text.size() == 2 * kDigestBytes && std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

}  // namespace sarai::store
