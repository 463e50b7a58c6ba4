// What the fuzzers share: reading their input, and saying which promise a parser broke.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "base/blob.h"
#include "base/status.h"

namespace sarai::fuzz {

// The bytes libFuzzer made up. They lie in a block of exactly their size, so that the sanitizer
// sees a read past them; a target that needs more than bytes has it in lines before them, so that a
// corpus can be read and written with any editor.
class Input {
 public:
  Input(const uint8_t* data, size_t size) : rest_(reinterpret_cast<const char*>(data), size) {}

  // Up to the next line break, which is taken too; all there is where none comes.
  std::string_view Line() {
    const size_t end = rest_.find('\n');
    const std::string_view line = rest_.substr(0, end);
    rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
    return line;
  }
  std::string_view rest() const { return rest_; }
  // A block of its own.
  Blob RestAsBlob() const { return Blob::Copy(std::as_bytes(std::span(rest_))); }

 private:
  std::string_view rest_;
};

[[noreturn]] inline void Fail(const char* file, int line, const char* promise,
                              const std::string& detail) {
  fmt::print(stderr, "{}:{}: broken promise: {}\n  {}\n", file, line, promise, detail);
  std::abort();
}

#define FUZZ_EXPECT(promise, ...)                                                            \
  do {                                                                                       \
    if (!(promise))                                                                          \
      ::sarai::fuzz::Fail(__FILE__, __LINE__, #promise, ::sarai::fuzz::Detail(__VA_ARGS__)); \
  } while (false)

inline std::string Detail() { return {}; }
template <typename... Args>
std::string Detail(fmt::format_string<Args...> format, Args&&... args) {
  return fmt::format(format, std::forward<Args>(args)...);
}

// What libFuzzer calls: `run` with each input.
#define FUZZ_TARGET(run)                                                    \
  extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) { \
    run(::sarai::fuzz::Input(data, size));                                  \
    return 0;                                                               \
  }

// A value, or an error that says something.
inline bool ExpectAnswer(const Status& status) {
  if (!status.ok()) FUZZ_EXPECT(!status.message().empty());
  return status.ok();
}
template <typename T>
bool ExpectAnswer(const Result<T>& result) {
  return result.has_value() || ExpectAnswer(result.error());
}

inline bool LiesWithin(std::string_view part, std::string_view whole) {
  return part.empty() ||
         (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

inline std::string Join(const std::vector<Blob>& parts) {
  std::string text;
  for (const Blob& part : parts) text += part.text();
  return text;
}

}  // namespace sarai::fuzz
