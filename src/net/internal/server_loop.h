// A server's part on one loop, and what all its parts share.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <unordered_set>
#include <vector>

#include "net/internal/loops.h"
#include "net/internal/tls.h"
#include "net/server.h"

namespace sarai::net {

class ServerLoop;

// One client's connection. Owned by its ServerLoop until it closes; touched on its loop only.
class Connection {
 public:
  virtual ~Connection() = default;
  virtual void Start() = 0;
  // Takes nothing new, and closes when what is under way has been answered.
  virtual void BeginDrain() = 0;
  virtual void Close() = 0;  // idempotent; removes it from its ServerLoop
};
using MakeConnection =
    std::function<std::shared_ptr<Connection>(std::shared_ptr<ServerLoop> service, tcp::socket)>;

// Kept by the server, its parts on the loops, and every responder still out.
struct ServerShared {
  ServerShared(ServerOptions server_options, MakeConnection connection_maker,
               TlsContextPtr tls_context)
      : options(std::move(server_options)),
        make_connection(std::move(connection_maker)),
        tls(std::move(tls_context)) {}

  // Takes a place for one more connection, or refuses.
  bool Admit();
  void Leave();
  void SetListening(bool listening);
  // Returns when nobody listens and all connections have left; false: not so by then.
  bool AwaitEnd(TimePoint until);
  void AwaitEnd();

  const ServerOptions options;
  const MakeConnection make_connection;
  const TlsContextPtr tls;  // null: none
  std::atomic<bool> draining{false};

 private:
  bool Ended() const { return open_ == 0 && !listening_; }

  std::mutex mu_;
  std::condition_variable ended_;
  uint32_t open_ = 0;       // guarded by mu_
  bool listening_ = false;  // guarded by mu_
};

// The connections of one server on one loop, which owns them; touched on the loop only.
class ServerLoop final : public LoopService, public std::enable_shared_from_this<ServerLoop> {
 public:
  ServerLoop(std::shared_ptr<Loop> loop, std::shared_ptr<ServerShared> shared)
      : loop_(std::move(loop)), shared_(std::move(shared)) {}

  Loop& loop() { return *loop_; }
  ServerShared& shared() { return *shared_; }

  // Connections that it has or is about to get; any thread, like Expect and Forget.
  uint32_t load() const { return load_.load(std::memory_order_relaxed); }
  void Expect() { load_.fetch_add(1, std::memory_order_relaxed); }
  void Forget();  // one that has left, or does not come

  // `socket` has been admitted and is expected.
  void Start(tcp::socket socket);
  void Remove(const std::shared_ptr<Connection>& connection);
  void BeginDrain();
  void CloseAll();
  void OnLoopStop() override { CloseAll(); }

 private:
  const std::shared_ptr<Loop> loop_;
  const std::shared_ptr<ServerShared> shared_;
  std::atomic<uint32_t> load_{0};
  std::unordered_set<std::shared_ptr<Connection>> connections_;
};

}  // namespace sarai::net
