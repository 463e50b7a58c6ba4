#include "backends/host/shared_region.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <system_error>
#include <utility>

#include "base/bytes.h"

namespace sarai::backends::host {
namespace {

constexpr size_t kGrowthUnitBytes = 64 * kKiB;

Status Failed(const char* what) {
  const Code code = errno == ENOMEM || errno == ENOSPC || errno == EMFILE || errno == ENFILE
                        ? Code::kResourceExhausted
                        : Code::kInternal;
  return MakeStatus(code, "shared memory: {}: {}", what, std::generic_category().message(errno));
}

}  // namespace

SharedRegion::~SharedRegion() {
  if (data_ != nullptr) munmap(data_, size_);
}

SharedRegion::SharedRegion(SharedRegion&& other) noexcept
    : fd_(std::move(other.fd_)),
      data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)) {}

SharedRegion& SharedRegion::operator=(SharedRegion&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

Result<SharedRegion> SharedRegion::Create() {
  UniqueFd fd(memfd_create("sarai-tensors", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd.valid()) return Error(Failed("memfd_create"));
  if (fcntl(fd.get(), F_ADD_SEALS, F_SEAL_SHRINK) != 0) return Error(Failed("F_SEAL_SHRINK"));
  return Adopt(std::move(fd));
}

SharedRegion SharedRegion::Adopt(UniqueFd fd) {
  SharedRegion region;
  region.fd_ = std::move(fd);
  return region;
}

Status SharedRegion::Grow(size_t bytes) {
  if (bytes <= size_) return {};
  // Half as much again, so that slowly growing requests do not remap each time.
  const size_t wanted = std::max(bytes, size_ + size_ / 2);
  const size_t size = (wanted + kGrowthUnitBytes - 1) / kGrowthUnitBytes * kGrowthUnitBytes;
  struct stat file{};
  if (fstat(fd_.get(), &file) != 0) return Failed("fstat");
  if (static_cast<uint64_t>(file.st_size) < size &&
      ftruncate(fd_.get(), static_cast<off_t>(size)) != 0)
    return Failed("ftruncate");
  return Map(size);
}

Status SharedRegion::Map(size_t bytes) {
  if (bytes <= size_) return {};
  struct stat file{};
  if (fstat(fd_.get(), &file) != 0) return Failed("fstat");
  const auto size = static_cast<size_t>(file.st_size);
  if (size < bytes)
    return MakeStatus(Code::kInternal, "shared memory: {} bytes announced, but it has {}", bytes,
                      size);
  void* data = data_ == nullptr
                   ? mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd_.get(), 0)
                   : mremap(data_, size_, size, MREMAP_MAYMOVE);
  if (data == MAP_FAILED) return Failed("mmap");
  data_ = static_cast<std::byte*>(data);
  size_ = size;
  return {};
}

void SharedRegion::Forget(size_t bytes) {
  if (size_ <= bytes) return;
  fallocate(fd_.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(bytes),
            static_cast<off_t>(size_ - bytes));
}

}  // namespace sarai::backends::host
