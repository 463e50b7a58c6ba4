// One io loop and the set of them: what EventLoops hides.
//
// Everything that lives on a loop (connections, pools) is touched by the loop's thread only and
// needs no lock. The single way in from another thread is Loop::Post.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/executor.h"
#include "net/event_loops.h"
#include "net/internal/asio.h"

namespace sarai::net {

// A server's or a client's part on one loop: the owner of its sockets there.
class LoopService {
 public:
  virtual ~LoopService() = default;
  // Called once on the loop: close every socket, answer every callback, start nothing new.
  virtual void OnLoopStop() = 0;
};

// Owned by EventLoops and by all that may outlive it (a responder that nobody called yet).
class Loop {
 public:
  explicit Loop(int index) : index_(index), work_(io_.get_executor()) {}

  // The loop that the calling thread runs, or null.
  static Loop* Current();
  bool OnThread() const { return Current() == this; }
  int index() const { return index_; }
  asio::io_context& io() { return io_; }

  // From any thread: runs the task on the loop, never inside the call, in the order of posting.
  // After the loop has stopped: returns false and leaves the task whole.
  bool Post(Task& task);

  // On the loop only.
  void Attach(std::shared_ptr<LoopService> service);
  void Detach(const LoopService* service);
  bool stopping() const { return stopping_; }
  std::string_view HttpDate();  // "Tue, 15 Nov 1994 08:12:31 GMT", made once a second

  void Run();  // the thread's body
  void StopSoon();

 private:
  void RunPosted();
  void StopOnThread();

  const int index_;
  asio::io_context io_{1};  // one thread runs it

  std::mutex mu_;
  std::vector<Task> posted_;  // guarded by mu_
  bool closed_ = false;       // guarded by mu_

  // Touched on the loop only.
  std::vector<std::shared_ptr<LoopService>> services_;
  std::vector<Task> running_;
  bool stopping_ = false;
  int64_t date_second_ = 0;
  std::string date_;
  asio::executor_work_guard<asio::io_context::executor_type> work_;
};

struct EventLoops::Impl {
  std::vector<std::shared_ptr<Loop>> loops;
  std::vector<std::thread> threads;
  std::mutex stop_mu;
};

}  // namespace sarai::net
