// Which answers a cache of bounded size keeps: the least recently used go first. Pure: it holds
// names and sizes; the answers, their locks and their hashes belong to `engine/`.
#pragma once

#include <cstddef>
#include <functional>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sarai::policy {

class CacheOrder {
 public:
  explicit CacheOrder(size_t capacity_bytes) : capacity_(capacity_bytes) {}

  // True of an entry that is there; it is now the one used last.
  bool Touch(std::string_view key);

  // Keys that make room for the new entry, oldest first. Nothing: it is refused, because it is
  // there already or larger than the whole cache, and nothing else changed.
  std::optional<std::vector<std::string>> Insert(std::string key, size_t bytes);

  size_t bytes() const { return bytes_; }  // never more than the capacity

 private:
  struct Entry {
    std::string key;
    size_t bytes;
  };

  size_t capacity_, bytes_ = 0;
  std::list<Entry> by_use_;  // oldest first
  std::map<std::string, std::list<Entry>::iterator, std::less<>> by_key_;
};

}  // namespace sarai::policy
