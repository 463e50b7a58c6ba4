// Memory that clients on this machine share with the server: regions by name, and the tensors that
// requests put there or want to find there.
//
// Its place: made by the core, used by the HTTP and gRPC fronts around each inference. Threads:
// any. Invariant: a region stays mapped while a tensor or a SharedOutputs points into it, also when
// it has been unregistered meanwhile.
//
// A client owns what it shares and may change or shrink it at any moment: what is read twice
// (BYTES, whose lengths are checked first) is copied, outputs are written through the file, and the
// object's size is looked at again for each request.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "types/inference.h"
#include "wire/kserve/management.h"

namespace sarai::instance {

struct SharedMemoryOptions {
  bool allowed = true;  // Triton's --allow-client-shm; false: no region can be registered
  size_t max_regions = 16384;
};

class SharedRegion;  // a mapped object

// Where a request's outputs go instead of into its answer. Lives until they are written.
class SharedOutputs {
 public:
  bool empty() const { return places_.empty(); }
  // Copies those of `outputs` there that have a place. Errors: kInternal when one is larger than
  // its place.
  Status Write(const std::vector<Tensor>& outputs) const;

 private:
  friend class SharedMemory;
  struct Place {
    std::string output;
    std::shared_ptr<const SharedRegion> region;
    uint64_t offset = 0, byte_size = 0;
  };
  std::vector<Place> places_;
};

class SharedMemory {
 public:
  explicit SharedMemory(SharedMemoryOptions options) : options_(options) {}

  // Errors: kUnimplemented where it is not allowed; kAlreadyExists; kInternal: no such object;
  // kInvalidArgument: a bad key, or more than the object holds.
  Status Register(const kserve::SystemRegion& region);
  // The seam for builds with CUDA: this one has none, so that no region of that kind ever exists.
  Status RegisterCuda(const kserve::CudaRegion& region);

  // An empty name: all of that kind. A name that is not there is no error.
  Status Unregister(const std::string& name);
  Status UnregisterCuda(const std::string& name);

  // An empty name: all. Errors: kNotFound.
  Result<std::vector<kserve::SystemRegion>> List(const std::string& name) const;
  Result<std::vector<kserve::CudaRegion>> ListCuda(const std::string& name) const;

  // Puts the request's shared inputs in place (views over the region) and finds the places of its
  // shared outputs. Errors name the tensor: kNotFound, kInvalidArgument.
  Result<SharedOutputs> Resolve(InferRequest& request) const;

 private:
  using RegionPtr = std::shared_ptr<const SharedRegion>;
  Result<RegionPtr> Find(const SharedMemoryUse& use) const;

  const SharedMemoryOptions options_;
  mutable std::mutex mu_;
  std::map<std::string, RegionPtr, std::less<>> regions_;  // guarded by mu_
};

}  // namespace sarai::instance
