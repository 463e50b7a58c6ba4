#include "engine/response_cache.h"

#include <openssl/evp.h>
#include <openssl/rand.h>

#include <array>
#include <type_traits>
#include <utility>

namespace sarai::engine {

// Poly1305 with its secret set. Never used itself: each hash is made by a copy.
class ResponseCache::Hash {
 public:
  Hash() {
    const std::unique_ptr<EVP_MAC, Free> mac(EVP_MAC_fetch(nullptr, "POLY1305", nullptr));
    std::array<unsigned char, 32> secret{};
    if (mac == nullptr || RAND_bytes(secret.data(), secret.size()) != 1) return;
    keyed_.reset(EVP_MAC_CTX_new(mac.get()));
    if (keyed_ && EVP_MAC_init(keyed_.get(), secret.data(), secret.size(), nullptr) != 1)
      keyed_.reset();
  }

  // Of the pieces joined.
  std::optional<std::string> Of(std::string_view head, const std::vector<Tensor>& tensors) const {
    if (keyed_ == nullptr) return std::nullopt;
    const std::unique_ptr<EVP_MAC_CTX, Free> context(EVP_MAC_CTX_dup(keyed_.get()));
    bool ok = context && Update(*context, head.data(), head.size());
    for (const Tensor& tensor : tensors)
      ok = ok && Update(*context, tensor.data.data(), tensor.data.size());
    std::string digest(kBytes, '\0');
    size_t size = 0;
    ok = ok && EVP_MAC_final(context.get(), reinterpret_cast<unsigned char*>(digest.data()), &size,
                             digest.size()) == 1;
    if (!ok || size != kBytes) return std::nullopt;
    return digest;
  }

 private:
  static constexpr size_t kBytes = 16;
  struct Free {
    void operator()(EVP_MAC* mac) const { EVP_MAC_free(mac); }
    void operator()(EVP_MAC_CTX* context) const { EVP_MAC_CTX_free(context); }
  };
  static bool Update(EVP_MAC_CTX& context, const void* data, size_t size) {
    return size == 0 ||
           EVP_MAC_update(&context, static_cast<const unsigned char*>(data), size) == 1;
  }

  std::unique_ptr<EVP_MAC_CTX, Free> keyed_;  // null: none to be had
};

namespace {

constexpr size_t kEntryBytes = 512;  // what an entry takes besides its tensors' bytes, about

// All that an answer depends on but for the inputs' bytes, whose lengths are in it: it tells where
// each piece ends, so that no two requests run together to the same bytes.
class Head {
 public:
  Head() { bytes_.reserve(512); }  // most need no more
  void Number(uint64_t number) { Raw(&number, sizeof(number)); }
  void Text(std::string_view text) {
    Number(text.size());
    Raw(text.data(), text.size());
  }
  void Add(const Tensor& tensor) {
    Text(tensor.name);
    Number(static_cast<uint64_t>(tensor.type));
    Number(tensor.shape.size());
    for (const int64_t dim : tensor.shape) Number(static_cast<uint64_t>(dim));
    Number(tensor.data.size());
  }
  void Add(const Parameter& parameter) {
    Number(parameter.index());
    std::visit(
        [this](const auto& value) {
          if constexpr (std::is_same_v<std::decay_t<decltype(value)>, std::string>)
            Text(value);
          else
            Raw(&value, sizeof(value));
        },
        parameter);
  }
  std::string_view bytes() const { return bytes_; }

 private:
  void Raw(const void* data, size_t size) { bytes_.append(static_cast<const char*>(data), size); }

  std::string bytes_;
};

size_t BytesOf(const std::vector<Tensor>& outputs) {
  size_t bytes = kEntryBytes;
  for (const Tensor& output : outputs) bytes += sizeof(Tensor) + output.data.size();
  return bytes;
}

// An answer may be a slice of a whole batch's: only a copy keeps no more than itself.
ResponseCache::Answer CopyOf(const std::vector<Tensor>& outputs) {
  auto copy = std::make_shared<std::vector<Tensor>>(outputs);
  for (Tensor& output : *copy) output.data = Blob::Copy(output.data.bytes());
  return copy;
}

}  // namespace

ResponseCache::ResponseCache(size_t capacity_bytes)
    : hash_(std::make_unique<const Hash>()), order_(capacity_bytes) {}

ResponseCache::~ResponseCache() = default;

std::optional<std::string> ResponseCache::KeyOf(uint64_t load,
                                                const PendingRequest& pending) const {
  Head head;
  head.Number(load);
  head.Number(pending.inputs.size());
  for (const Tensor& input : pending.inputs) head.Add(input);
  head.Number(pending.request.outputs.size());
  for (const RequestedOutput& output : pending.request.outputs) head.Text(output.name);
  head.Number(pending.request.parameters.size());
  for (const auto& [name, parameter] : pending.request.parameters) {
    head.Text(name);
    head.Add(parameter);
  }
  return hash_->Of(head.bytes(), pending.inputs);
}

ResponseCache::Answer ResponseCache::Find(const std::string& key) {
  std::lock_guard lock(mu_);
  if (!order_.Touch(key)) return nullptr;
  return answers_.at(key);
}

void ResponseCache::Keep(const std::string& key, const std::vector<Tensor>& outputs) {
  Answer copy = CopyOf(outputs);
  std::vector<Answer> gone;  // freed without the lock
  std::lock_guard lock(mu_);
  const auto evicted = order_.Insert(key, BytesOf(outputs));
  if (!evicted) return;
  for (const std::string& old : *evicted) gone.push_back(std::move(answers_.extract(old).mapped()));
  answers_.emplace(key, std::move(copy));
}

}  // namespace sarai::engine
