#include "net/internal/acceptor.h"

#include <utility>

#include "base/log.h"
#include "base/unique_fd.h"
#include "net/internal/socket.h"

namespace sarai::net {
namespace {

// Out of descriptors: wait for some to be closed instead of spinning.
constexpr std::chrono::milliseconds kPause{100};

using ReusePort = asio::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>;

Result<tcp::endpoint> Resolve(asio::io_context& io, const std::string& address, uint16_t port) {
  ErrorCode error;
  const auto literal = asio::ip::make_address(address, error);
  if (!error) return tcp::endpoint(literal, port);
  tcp::resolver resolver(io);
  const auto found = resolver.resolve(address, "", tcp::resolver::passive, error);
  if (!error && !found.empty()) return tcp::endpoint(found.begin()->endpoint().address(), port);
  return Error(Code::kInvalidArgument, "cannot listen on '{}': it is no address of this host ({})",
               address, error.message());
}

}  // namespace

Acceptor::Acceptor(std::vector<std::shared_ptr<ServerLoop>> parts)
    : parts_(std::move(parts)),
      acceptor_(parts_.front()->loop().io()),
      pause_(parts_.front()->loop().io()) {}

Status Acceptor::Listen(const ServerOptions& options) {
  const auto endpoint = Resolve(parts_.front()->loop().io(), options.address, options.port);
  if (!endpoint) return endpoint.error();
  ErrorCode error;
  acceptor_.open(endpoint->protocol(), error);
  if (!error) CloseOnExec(acceptor_.native_handle());
  if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error && options.reuse_port) acceptor_.set_option(ReusePort(true), error);
  if (!error) acceptor_.bind(*endpoint, error);
  if (!error) acceptor_.listen(tcp::acceptor::max_listen_connections, error);
  if (!error) endpoint_ = acceptor_.local_endpoint(error);
  if (!error) return {};
  return MakeStatus(Code::kUnavailable, "cannot listen on {} port {}: {}", options.address,
                    options.port, error.message());
}

void Acceptor::Start() {
  if (acceptor_.is_open()) AcceptNext();
}

void Acceptor::AcceptNext() {
  acceptor_.async_accept([self = shared_from_this()](ErrorCode error, tcp::socket socket) {
    if (!self->acceptor_.is_open()) return;
    if (!error) self->Accepted(std::move(socket));
    const bool exhausted = error == asio::error::no_descriptors ||
                           error == boost::system::errc::too_many_files_open_in_system ||
                           error == asio::error::no_buffer_space || error == asio::error::no_memory;
    exhausted ? self->PauseThenAccept() : self->AcceptNext();
  });
}

// Long-lived connections come and go among short ones: turns alone would pile them up on a loop.
ServerLoop& Acceptor::LeastLoaded() {
  ++next_part_;  // among equals, in turn
  ServerLoop* least = nullptr;
  for (size_t i = 0; i < parts_.size(); ++i) {
    ServerLoop& part = *parts_[(next_part_ + i) % parts_.size()];
    if (least == nullptr || part.load() < least->load()) least = &part;
  }
  return *least;
}

void Acceptor::Accepted(tcp::socket socket) {
  ServerShared& shared = parts_.front()->shared();
  if (!shared.Admit()) {
    LogDebug("net", "a connection was closed at once: {} are open already",
             shared.options.max_connections);
    return;
  }
  ServerLoop& part = LeastLoaded();
  part.Expect();
  if (part.loop().OnThread()) return part.Start(std::move(socket));
  ErrorCode error;
  UniqueFd fd(socket.release(error));
  tcp::socket moved(part.loop().io());
  if (!error) moved.assign(endpoint_.protocol(), fd.get(), error);
  if (error) return part.Forget();
  static_cast<void>(fd.Release());
  Task start = [kept = part.shared_from_this(), moved = std::move(moved)]() mutable {
    kept->Start(std::move(moved));
  };
  if (!part.loop().Post(start)) part.Forget();
}

void Acceptor::PauseThenAccept() {
  LogWarning("net", "no descriptors or memory for a new connection; trying again");
  pause_.expires_after(kPause);
  pause_.async_wait([self = shared_from_this()](ErrorCode error) {
    if (!error && self->acceptor_.is_open()) self->AcceptNext();
  });
}

void Acceptor::Close() {
  ErrorCode ignored;
  acceptor_.close(ignored);
  pause_.cancel();
  parts_.front()->shared().SetListening(false);
}

}  // namespace sarai::net
