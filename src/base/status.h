// The one error type. A Status is a canonical code and a sentence for a person: what was wrong,
// with which name and value, and what to do. Every protocol has one table Code -> its own error.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace sarai {

enum class Code {
  kInvalidArgument,     // the caller's input is wrong and will stay wrong
  kNotFound,            // the named thing does not exist (here or in the object store)
  kAlreadyExists,       // the named thing exists, or is loaded already
  kFailedPrecondition,  // right input, wrong moment: the state must change first
  kResourceExhausted,   // memory, disk or a queue is full and cannot be made free
  kDeadlineExceeded,    // a bounded wait ended
  kUnavailable,         // try again: a peer is down, draining or restarting
  kCancelled,           // the caller left
  kUnimplemented,       // a feature that is not there
  kPermissionDenied,    // credentials do not allow it
  kDataLoss,            // stored bytes are corrupt, truncated or hostile
  kInternal,            // a bug or a failure inside a framework
};

std::string_view CodeName(Code code);

class [[nodiscard]] Status {
 public:
  Status() = default;  // OK
  Status(Code code, std::string message) : ok_(false), code_(code), message_(std::move(message)) {}

  bool ok() const { return ok_; }
  Code code() const { return code_; }  // only when !ok()
  const std::string& message() const { return message_; }

  // "not_found: no such model 'x'"; "ok".
  std::string ToString() const;

  // The same code with context put before the message: "loading 'x': <message>".
  Status WithContext(std::string_view context) const;

 private:
  bool ok_ = true;
  Code code_ = Code::kInternal;
  std::string message_;
};

template <typename T>
using Result = std::expected<T, Status>;

template <typename... Args>
Status MakeStatus(Code code, fmt::format_string<Args...> format, Args&&... args) {
  return Status(code, fmt::format(format, std::forward<Args>(args)...));
}

// return Error(Code::kNotFound, "no such model '{}'", name);
template <typename... Args>
std::unexpected<Status> Error(Code code, fmt::format_string<Args...> format, Args&&... args) {
  return std::unexpected(Status(code, fmt::format(format, std::forward<Args>(args)...)));
}

inline std::unexpected<Status> Error(Status status) { return std::unexpected(std::move(status)); }

#define SARAI_CONCAT_INNER_(a, b) a##b
#define SARAI_CONCAT_(a, b) SARAI_CONCAT_INNER_(a, b)

// SARAI_TRY(auto bytes, ReadFile(path));   returns the error of a Result to the caller (from
// functions of Status or Result).
#define SARAI_TRY(declaration, expression) \
  SARAI_TRY_IMPL_(SARAI_CONCAT_(sarai_result_, __LINE__), declaration, expression)
#define SARAI_TRY_IMPL_(result, declaration, expression)                       \
  auto result = (expression);                                                  \
  if (!result) return ::sarai::internal::Propagate(std::move(result).error()); \
  declaration = std::move(result).value()

// SARAI_CHECK_OK(status);   returns a failed Status (from functions of Status or Result).
#define SARAI_CHECK_OK(expression)                                         \
  do {                                                                     \
    if (::sarai::Status sarai_status_ = (expression); !sarai_status_.ok()) \
      return ::sarai::internal::Propagate(std::move(sarai_status_));       \
  } while (false)

namespace internal {
// Converts to Status as well as to any Result<T>.
struct Propagate {
  explicit Propagate(Status s) : status(std::move(s)) {}
  operator Status() && { return std::move(status); }
  template <typename T>
  operator Result<T>() && {
    return std::unexpected(std::move(status));
  }
  Status status;
};
}  // namespace internal

}  // namespace sarai
