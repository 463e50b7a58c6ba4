// Answers of models with response_cache, so that an equal request needs no run.
//
// A key is the SHA-256 of everything an answer depends on: the loaded version itself (a reload
// begins with nothing), the inputs' names, types, shapes and bytes, the outputs asked for, and the
// request's own parameters. Which answers stay is policy::CacheOrder's decision; those of versions
// that are gone are never asked for and leave as the oldest.
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

  explicit ResponseCache(size_t capacity_bytes) : order_(capacity_bytes) {}

  // `load`: unique to the loaded version. Nothing: this request cannot be told from others.
  static std::optional<std::string> KeyOf(uint64_t load, const PendingRequest& pending);

  Answer Find(const std::string& key);  // null: not there
  void Keep(const std::string& key, const std::vector<Tensor>& outputs);

 private:
  // Guarded by mu_.
  std::mutex mu_;
  policy::CacheOrder order_;
  std::unordered_map<std::string, Answer> answers_;
};

}  // namespace sarai::engine
