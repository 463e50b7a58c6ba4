// One of the tree libraries, opened at run time.
#pragma once

#include <string>

#include "base/status.h"

namespace sarai::backends::fil {

// A library of runtimes/fil, by its path there. Never closed: OpenMP's threads live in it.
class SharedLibrary {
 public:
  // Errors: kFailedPrecondition, with what to do.
  static Result<SharedLibrary> Open(const std::string& path);

  // False, and the name kept for missing(), when the library does not have it.
  template <typename F>
  bool Find(const char* name, F*& function) {
    function = reinterpret_cast<F*>(Symbol(name));
    if (function == nullptr && missing_.empty()) missing_ = name;
    return function != nullptr;
  }
  // Errors: kFailedPrecondition when a function that was looked for is not there.
  Status CheckComplete() const;

 private:
  SharedLibrary(std::string path, void* handle) : path_(std::move(path)), handle_(handle) {}
  void* Symbol(const char* name) const;

  std::string path_;
  void* handle_;
  std::string missing_;
};

// The first sentence of what a library says went wrong: without the place in its source and its
// stack.
std::string PlainMessage(const char* text);

// `code`, or kResourceExhausted when the text tells of it: but for loads (kDataLoss), where a
// damaged file is what asks for that much.
Status LibraryError(Code code, const char* library, const char* text);

}  // namespace sarai::backends::fil
