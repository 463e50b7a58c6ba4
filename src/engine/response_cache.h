// Answers of models with response_cache, so that an equal request needs no run.
//
// A key is a hash of everything an answer depends on: the loaded version itself (a reload begins
// with nothing), the inputs' names, types, shapes and bytes, the outputs asked for, and the
// request's own parameters. Which answers stay is policy::CacheOrder's decision; those of versions
// that are gone are never asked for and leave as the oldest.
//
// One client must not be able to choose what another is answered, and inputs are too large to be
// kept and compared. So the hash is Poly1305 under a secret of this process that nobody sees, nor
// any hash of it: a universal hash, for which is proven that two requests of up to L bytes, chosen
// without knowing it, collide with a probability of at most L / 2^107 (64 KiB: 2^-91), whatever
// they contain. Hashes without such a proof are no faster here and easier to fool: flipping the top
// bits of two words of a long input collides in XXH3, keyed or not, once in some 2^32 secrets.
//
// Owned by the engine's Serving. Any thread. Invariant: what it holds is a copy, bounded in bytes.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/pending.h"
#include "policy/response_cache.h"

namespace sarai::engine {

class ResponseCache {
 public:
  using Answer = std::shared_ptr<const std::vector<Tensor>>;

  explicit ResponseCache(size_t capacity_bytes);
  ~ResponseCache();

  // `load`: unique to the loaded version. Of this cache only. Nothing: OpenSSL has no secret or no
  // Poly1305 to offer, and nothing is kept.
  std::optional<std::string> KeyOf(uint64_t load, const PendingRequest& pending) const;

  Answer Find(const std::string& key);  // null: not there
  void Keep(const std::string& key, const std::vector<Tensor>& outputs);

 private:
  class Hash;
  const std::unique_ptr<const Hash> hash_;

  // Guarded by mu_.
  std::mutex mu_;
  policy::CacheOrder order_;
  std::unordered_map<std::string, Answer> answers_;
};

}  // namespace sarai::engine
