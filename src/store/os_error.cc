#include "store/os_error.h"

#include <cerrno>
#include <system_error>

namespace sarai::store {
namespace {

Code CodeOf(int error) {
  switch (error) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
    case EMFILE:
    case ENFILE:
    case ENOMEM: return Code::kResourceExhausted;
    case ENOENT:
    case ENOTDIR: return Code::kNotFound;
    case EACCES:
    case EPERM:
    case EROFS: return Code::kPermissionDenied;
    case EEXIST: return Code::kAlreadyExists;
    case ENAMETOOLONG: return Code::kInvalidArgument;
    case EIO: return Code::kDataLoss;
    default: return Code::kInternal;
  }
}

}  // namespace

Status OsError(int error, std::string_view doing, std::string_view path) {
  const std::string text = std::generic_category().message(error);
  if (error == ENOSPC || error == EDQUOT) {
    return MakeStatus(Code::kResourceExhausted, "the disk is full: {} '{}': {}", doing, path, text);
  }
  return MakeStatus(CodeOf(error), "{} '{}': {}", doing, path, text);
}

}  // namespace sarai::store
