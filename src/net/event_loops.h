// The threads on which all sockets of a process live: one io loop per thread.
#pragma once

#include <memory>

namespace sarai::net {

class EventLoops {
 public:
  explicit EventLoops(int threads);
  ~EventLoops();  // stops and joins
  void Stop();

  struct Impl;  // Boost.Asio stays behind this door
  Impl& impl() { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace sarai::net
