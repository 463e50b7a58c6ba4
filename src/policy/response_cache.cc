#include "policy/response_cache.h"

#include <iterator>
#include <utility>

namespace sarai::policy {

bool CacheOrder::Touch(std::string_view key) {
  const auto it = by_key_.find(key);
  if (it == by_key_.end()) return false;
  by_use_.splice(by_use_.end(), by_use_, it->second);
  return true;
}

std::optional<std::vector<std::string>> CacheOrder::Insert(std::string key, size_t bytes) {
  if (bytes > capacity_ || by_key_.contains(key)) return std::nullopt;
  std::vector<std::string> evicted;
  while (bytes > capacity_ - bytes_) {
    bytes_ -= by_use_.front().bytes;
    by_key_.erase(by_use_.front().key);
    evicted.push_back(std::move(by_use_.front().key));
    by_use_.pop_front();
  }
  by_use_.push_back({key, bytes});
  by_key_.emplace(std::move(key), std::prev(by_use_.end()));
  bytes_ += bytes;
  return evicted;
}

}  // namespace sarai::policy
