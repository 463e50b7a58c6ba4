// SHA-256 of bytes that arrive in pieces.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

struct evp_md_ctx_st;  // OpenSSL's EVP_MD_CTX

namespace sarai::store {

class Sha256 {
 public:
  Sha256();
  void Update(std::span<const std::byte> bytes);
  // Lower-case hex of all bytes so far; starts anew.
  std::string Finish();

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const;
  };
  std::unique_ptr<evp_md_ctx_st, Free> context_;
};

std::string Sha256Hex(std::string_view text);

// Whether the text looks like a digest: 64 lower-case hex digits.
bool IsSha256Hex(std::string_view text);

}  // namespace sarai::store
