#include "engine/response_cache.h"

#include <openssl/evp.h>

#include <type_traits>
#include <utility>

namespace sarai::engine {
namespace {

constexpr size_t kEntryBytes = 512;  // what an entry takes besides its tensors' bytes, about

// Every piece goes in with its length, so that no two requests run together to the same bytes.
class Hash {
 public:
  Hash() : context_(EVP_MD_CTX_new()) {
    ok_ = context_ != nullptr && EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) == 1;
  }
  void Add(const void* data, size_t size) {
    Number(size);
    Raw(data, size);
  }
  void Text(std::string_view text) { Add(text.data(), text.size()); }
  void Number(uint64_t number) { Raw(&number, sizeof(number)); }
  void Add(const Tensor& tensor) {
    Text(tensor.name);
    Number(static_cast<uint64_t>(tensor.type));
    Add(tensor.shape.data(), tensor.shape.size() * sizeof(int64_t));
    Add(tensor.data.data(), tensor.data.size());
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
  std::optional<std::string> Take() {
    std::string digest(EVP_MAX_MD_SIZE, '\0');
    unsigned int size = 0;
    if (!ok_ || EVP_DigestFinal_ex(context_.get(), reinterpret_cast<unsigned char*>(digest.data()),
                                   &size) != 1)
      return std::nullopt;
    digest.resize(size);
    return digest;
  }

 private:
  struct Free {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };
  void Raw(const void* data, size_t size) {
    if (size > 0) ok_ = ok_ && EVP_DigestUpdate(context_.get(), data, size) == 1;
  }

  std::unique_ptr<EVP_MD_CTX, Free> context_;
  bool ok_ = false;
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

std::optional<std::string> ResponseCache::KeyOf(uint64_t load, const PendingRequest& pending) {
  Hash hash;
  hash.Number(load);
  hash.Number(pending.inputs.size());
  for (const Tensor& input : pending.inputs) hash.Add(input);
  hash.Number(pending.request.outputs.size());
  for (const RequestedOutput& output : pending.request.outputs) hash.Text(output.name);
  for (const auto& [name, parameter] : pending.request.parameters) {
    hash.Text(name);
    hash.Add(parameter);
  }
  return hash.Take();
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
