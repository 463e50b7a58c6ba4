#include "net/event_loops.h"

#include <pthread.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <exception>
#include <utility>

#include <fmt/format.h>
#include <boost/asio/post.hpp>

#include "base/log.h"
#include "net/internal/loops.h"

namespace sarai::net {
namespace {

// Which loop a thread runs is a property of the thread; nothing else is kept per thread.
thread_local Loop* current_loop = nullptr;

}  // namespace

Loop* Loop::Current() { return current_loop; }

bool Loop::Post(Task& task) {
  bool wake = false;
  {
    std::lock_guard lock(mu_);
    if (closed_) return false;
    wake = posted_.empty();  // one wake-up serves all that is posted before the loop gets to it
    posted_.push_back(std::move(task));
  }
  if (wake) asio::post(io_, [this] { RunPosted(); });
  return true;
}

void Loop::RunPosted() {
  {
    std::lock_guard lock(mu_);
    running_.swap(posted_);
  }
  for (Task& task : running_) task();
  running_.clear();
}

void Loop::Attach(std::shared_ptr<LoopService> service) {
  if (stopping_) return service->OnLoopStop();
  services_.push_back(std::move(service));
}

void Loop::Detach(const LoopService* service) {
  std::erase_if(services_, [&](const auto& held) { return held.get() == service; });
}

std::string_view Loop::HttpDate() {
  const int64_t second = std::time(nullptr);
  if (second == date_second_) return date_;
  date_second_ = second;
  char text[40];
  std::tm utc{};
  const std::time_t time = second;
  gmtime_r(&time, &utc);
  date_.assign(text, std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &utc));
  return date_;
}

void Loop::Run() {
  current_loop = this;
  while (true) {
    try {
      io_.run();
      break;
    } catch (const std::exception& e) {  // one handler's failure must not end all connections
      LogError("net", "exception on an event loop: {}", e.what());
    }
  }
  current_loop = nullptr;
}

void Loop::StopSoon() {
  Task stop = [this] { StopOnThread(); };
  Post(stop);
}

void Loop::StopOnThread() {
  stopping_ = true;
  for (const auto& service : std::exchange(services_, {})) service->OnLoopStop();
  std::vector<Task> late;
  {
    std::lock_guard lock(mu_);
    closed_ = true;
    late.swap(posted_);
  }
  for (Task& task : late) task();  // they find the loop stopping
  work_.reset();
}

EventLoops::EventLoops(int threads) : impl_(std::make_unique<Impl>()) {
  for (int i = 0; i < std::max(threads, 1); ++i) {
    impl_->loops.push_back(std::make_shared<Loop>(i));
    impl_->threads.emplace_back([loop = impl_->loops.back()] { loop->Run(); });
    pthread_setname_np(impl_->threads.back().native_handle(), fmt::format("net-{}", i).c_str());
  }
}

EventLoops::~EventLoops() { Stop(); }

void EventLoops::Stop() {
  std::lock_guard lock(impl_->stop_mu);
  for (const auto& loop : impl_->loops) loop->StopSoon();
  for (std::thread& thread : impl_->threads)
    if (thread.joinable()) thread.join();
}

}  // namespace sarai::net
