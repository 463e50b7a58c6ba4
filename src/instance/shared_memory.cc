#include "instance/shared_memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <span>
#include <utility>

#include "base/unique_fd.h"

namespace sarai::instance {
namespace {

// Names of objects that belong to the server's own processes, as in Triton.
constexpr std::string_view kReservedKeyPrefix = "triton_python_backend_shm_region_";

Status NotAllowed() {
  return Status(Code::kUnimplemented,
                "client shared memory is disabled: start the server with '--allow-client-shm=true' "
                "to enable it");
}

Status CannotRegister(const std::string& name, std::string_view why) {
  return MakeStatus(Code::kInvalidArgument, "failed to register shared memory region '{}': {}",
                    name, why);
}

Status CheckKey(const kserve::SystemRegion& region) {
  const std::string_view key = region.key;
  const size_t begin = key.find_first_not_of('/');
  if (begin == std::string_view::npos || key.find('\0') != std::string_view::npos)
    return CannotRegister(region.name, fmt::format("'{}' is no key of an object", key));
  if (key.substr(begin).starts_with(kReservedKeyPrefix))
    return CannotRegister(
        region.name, fmt::format("key '{}' has the reserved prefix '{}'", key, kReservedKeyPrefix));
  return {};
}

}  // namespace

// One client's object, mapped from its beginning to the region's end.
class SharedRegion {
 public:
  static Result<std::shared_ptr<const SharedRegion>> Open(kserve::SystemRegion region);
  ~SharedRegion() {
    if (base_ != MAP_FAILED) munmap(base_, mapped_bytes_);
  }
  SharedRegion(const SharedRegion&) = delete;
  SharedRegion& operator=(const SharedRegion&) = delete;

  const kserve::SystemRegion& about() const { return about_; }

  // Precondition for all: offset + size lies within the region.
  bool StillHolds(uint64_t offset, uint64_t size) const {
    struct stat file{};
    return fstat(file_.get(), &file) == 0 &&
           about_.offset + offset + size <= static_cast<uint64_t>(file.st_size);
  }
  std::span<const std::byte> View(uint64_t offset, uint64_t size) const {
    return {static_cast<const std::byte*>(base_) + about_.offset + offset, size};
  }
  Result<std::vector<std::byte>> Copy(uint64_t offset, uint64_t size) const;
  Status Write(uint64_t offset, std::span<const std::byte> bytes) const;

 private:
  SharedRegion(kserve::SystemRegion about, UniqueFd file)
      : about_(std::move(about)),
        file_(std::move(file)),
        mapped_bytes_(about_.offset + about_.byte_size),
        base_(mmap(nullptr, mapped_bytes_, PROT_READ | PROT_WRITE, MAP_SHARED, file_.get(), 0)) {}

  const kserve::SystemRegion about_;
  const UniqueFd file_;
  const size_t mapped_bytes_;
  void* const base_;
};

Result<std::shared_ptr<const SharedRegion>> SharedRegion::Open(kserve::SystemRegion region) {
  UniqueFd file(shm_open(region.key.c_str(), O_RDWR | O_CLOEXEC, 0));
  if (!file.valid())
    return Error(Code::kInternal, "Unable to open shared memory region: '{}' ({})", region.key,
                 std::strerror(errno));
  struct stat about{};
  if (fstat(file.get(), &about) != 0 || !S_ISREG(about.st_mode))
    return Error(Code::kInternal, "Invalid shared memory region: '{}'", region.key);
  const auto held = static_cast<uint64_t>(about.st_size);
  if (region.byte_size == 0 || region.offset > held || region.byte_size > held - region.offset)
    return Error(CannotRegister(
        region.name, fmt::format("invalid args: offset {} and byte_size {}, but object '{}' has "
                                 "{} bytes",
                                 region.offset, region.byte_size, region.key, held)));
  const std::string name = region.name;
  std::shared_ptr<const SharedRegion> opened(new SharedRegion(std::move(region), std::move(file)));
  if (opened->base_ == MAP_FAILED)
    return Error(CannotRegister(name, fmt::format("cannot map it: {}", std::strerror(errno))));
  return opened;
}

Result<std::vector<std::byte>> SharedRegion::Copy(uint64_t offset, uint64_t size) const {
  std::vector<std::byte> bytes(size);
  uint64_t done = 0;
  while (done < size) {
    const ssize_t got = pread(file_.get(), bytes.data() + done, size - done,
                              static_cast<off_t>(about_.offset + offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0)
      return Error(Code::kInvalidArgument, "shared memory region '{}' cannot be read: {}",
                   about_.name, got < 0 ? std::strerror(errno) : "its object has shrunk");
    done += static_cast<uint64_t>(got);
  }
  return bytes;
}

// Through the file: a store through the mapping would be fatal if the object shrank meanwhile.
Status SharedRegion::Write(uint64_t offset, std::span<const std::byte> bytes) const {
  while (!bytes.empty()) {
    const ssize_t put =
        pwrite(file_.get(), bytes.data(), bytes.size(), static_cast<off_t>(about_.offset + offset));
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0)
      return MakeStatus(Code::kInternal, "shared memory region '{}' cannot be written: {}",
                        about_.name, std::strerror(errno));
    offset += static_cast<uint64_t>(put);
    bytes = bytes.subspan(static_cast<size_t>(put));
  }
  return {};
}

namespace {

Status CheckPlace(const SharedRegion& region, const SharedMemoryUse& use) {
  const uint64_t size = region.about().byte_size;
  if (use.offset >= size)
    return MakeStatus(Code::kInvalidArgument,
                      "Invalid offset for shared memory region: '{}': {}, but it has {} bytes",
                      use.region, use.offset, size);
  if (use.byte_size > size - use.offset)
    return MakeStatus(Code::kInvalidArgument,
                      "Invalid offset + byte size for shared memory region: '{}': {} + {}, but it "
                      "has {} bytes",
                      use.region, use.offset, use.byte_size, size);
  if (!region.StillHolds(use.offset, use.byte_size))
    return MakeStatus(Code::kInvalidArgument,
                      "the object behind shared memory region '{}' has shrunk", use.region);
  return {};
}

Result<Blob> BytesOf(const std::shared_ptr<const SharedRegion>& region, const SharedMemoryUse& use,
                     DataType type) {
  if (type != DataType::kBytes) return Blob(region, region->View(use.offset, use.byte_size));
  SARAI_TRY(auto bytes, region->Copy(use.offset, use.byte_size));
  return Blob::FromVector(std::move(bytes));
}

}  // namespace

Status SharedOutputs::Write(const std::vector<Tensor>& outputs) const {
  for (const Place& place : places_) {
    const auto output = std::ranges::find(outputs, place.output, &Tensor::name);
    if (output == outputs.end()) continue;
    if (output->data.size() > place.byte_size)
      return MakeStatus(Code::kInternal,
                        "shared memory size specified with the request for output '{}' ({} bytes) "
                        "should be at least {} bytes to hold the results",
                        place.output, place.byte_size, output->data.size());
    const Status written = place.region->Write(place.offset, output->data.bytes());
    if (!written.ok()) return written.WithContext(fmt::format("output '{}'", place.output));
  }
  return {};
}

Status SharedMemory::Register(const kserve::SystemRegion& region) {
  if (!options_.allowed) return NotAllowed();
  if (region.name.empty())
    return Status(Code::kInvalidArgument,
                  "'region name' is necessary to register system shared memory region");
  SARAI_CHECK_OK(CheckKey(region));
  auto opened = SharedRegion::Open(region);
  std::lock_guard lock(mu_);
  if (regions_.contains(region.name))
    return MakeStatus(Code::kAlreadyExists, "shared memory region '{}' already in manager",
                      region.name);
  if (!opened) return std::move(opened).error();
  if (regions_.size() >= options_.max_regions)
    return CannotRegister(region.name,
                          fmt::format("there are {} already: unregister some", regions_.size()));
  regions_.emplace(region.name, std::move(*opened));
  return {};
}

Status SharedMemory::RegisterCuda(const kserve::CudaRegion& region) {
  if (!options_.allowed) return NotAllowed();
  if (region.name.empty())
    return Status(Code::kInvalidArgument,
                  "'region name' is necessary to register cuda shared memory region");
  return MakeStatus(Code::kInvalidArgument,
                    "failed to register CUDA shared memory region: '{}', GPUs not supported: "
                    "this server has none; system shared memory works",
                    region.name);
}

Status SharedMemory::Unregister(const std::string& name) {
  if (!options_.allowed) return NotAllowed();
  std::map<std::string, RegionPtr, std::less<>> dropped;  // unmapped without the lock
  std::lock_guard lock(mu_);
  if (name.empty()) {
    dropped.swap(regions_);
  } else if (auto node = regions_.extract(name); !node.empty()) {
    dropped.insert(std::move(node));
  }
  return {};
}

Status SharedMemory::UnregisterCuda(const std::string&) {
  return options_.allowed ? Status() : NotAllowed();
}

Result<std::vector<kserve::SystemRegion>> SharedMemory::List(const std::string& name) const {
  std::vector<kserve::SystemRegion> list;
  std::lock_guard lock(mu_);
  for (const auto& [key, region] : regions_)
    if (name.empty() || key == name) list.push_back(region->about());
  if (list.empty() && !name.empty())
    return Error(Code::kNotFound, "Unable to find system shared memory region: '{}'", name);
  return list;
}

Result<std::vector<kserve::CudaRegion>> SharedMemory::ListCuda(const std::string& name) const {
  if (name.empty()) return std::vector<kserve::CudaRegion>();
  std::lock_guard lock(mu_);
  if (regions_.contains(name))
    return Error(Code::kNotFound,
                 "The region named '{}' is registered as system shared memory, not CUDA shared "
                 "memory",
                 name);
  return Error(Code::kNotFound, "Unable to find cuda shared memory region: '{}'", name);
}

Result<SharedMemory::RegionPtr> SharedMemory::Find(const SharedMemoryUse& use) const {
  RegionPtr region;
  {
    std::lock_guard lock(mu_);
    const auto it = regions_.find(use.region);
    if (it != regions_.end()) region = it->second;
  }
  if (region == nullptr)
    return Error(Code::kNotFound, "Unable to find shared memory region: '{}'", use.region);
  SARAI_CHECK_OK(CheckPlace(*region, use));
  return region;
}

Result<SharedOutputs> SharedMemory::Resolve(InferRequest& request) const {
  for (const auto& [name, use] : request.shared_inputs) {
    const auto input = std::ranges::find(request.inputs, name, &Tensor::name);
    if (input == request.inputs.end()) continue;
    const auto region = Find(use);
    if (!region) return Error(region.error().WithContext(fmt::format("input '{}'", name)));
    auto bytes = BytesOf(*region, use, input->type);
    if (!bytes) return Error(bytes.error().WithContext(fmt::format("input '{}'", name)));
    input->data = std::move(*bytes);
  }
  SharedOutputs outputs;
  for (const RequestedOutput& output : request.outputs) {
    if (!output.shared_memory) continue;
    const SharedMemoryUse& use = *output.shared_memory;
    const auto region = Find(use);
    if (!region) return Error(region.error().WithContext(fmt::format("output '{}'", output.name)));
    outputs.places_.push_back({output.name, *region, use.offset, use.byte_size});
  }
  return outputs;
}

}  // namespace sarai::instance
