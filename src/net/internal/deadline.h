// The one thing a connection waits for, on one timer. Moving the deadline later (what nearly every
// request does) touches no timer: the armed one fires, sees the new time and sleeps again.
#pragma once

#include <memory>

#include "base/clock.h"
#include "net/internal/asio.h"

namespace sarai::net {

// `Owner` is enable_shared_from_this and has OnDeadline(); it is kept alive while a timer is armed,
// so it must call Cancel when it closes.
template <typename Owner>
class Deadline {
 public:
  Deadline(asio::io_context& io, Owner& owner) : timer_(io), owner_(owner) {}

  void Set(TimePoint when) {
    when_ = when;
    if (when < armed_) Arm();
  }
  void Clear() { when_ = TimePoint::max(); }
  void Cancel() {
    Clear();
    if (armed_ == TimePoint::max()) return;
    armed_ = TimePoint::max();
    timer_.cancel();
  }

 private:
  void Arm() {
    armed_ = when_;
    timer_.expires_at(when_);
    timer_.async_wait([this, owner = owner_.shared_from_this()](ErrorCode error) {
      if (!error) Fired();
    });
  }
  void Fired() {
    if (armed_ > std::chrono::steady_clock::now()) return;  // armed anew after this one expired
    armed_ = TimePoint::max();
    if (when_ == TimePoint::max()) return;
    if (when_ > std::chrono::steady_clock::now()) return Arm();
    when_ = TimePoint::max();
    owner_.OnDeadline();
  }

  asio::steady_timer timer_;
  Owner& owner_;
  TimePoint when_ = TimePoint::max();   // what the owner asked for
  TimePoint armed_ = TimePoint::max();  // when the timer fires
};

}  // namespace sarai::net
