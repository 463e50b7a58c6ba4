#include "net/grpc/channel.h"

#include <atomic>
#include <condition_variable>
#include <deque>
#include <fstream>
#include <iterator>
#include <map>
#include <mutex>
#include <thread>
#include <unordered_map>

#include <grpcpp/generic/generic_stub.h>

#include "net/grpc/messages.h"

namespace sarai::net {
namespace {

class ClientCall;

// Empty when there is no such file.
std::string ReadWhole(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

// What the queue gives back when an operation has ended. gRPC orders the two; the flag says so once
// more to ThreadSanitizer, which sees nothing of gRPC.
class QueueEvent {
 public:
  virtual ~QueueEvent() = default;
  void* Give() {
    given_.store(true, std::memory_order_release);
    return this;
  }
  static void TakeBack(void* given, bool ok) {
    auto* const event = static_cast<QueueEvent*>(given);
    if (event->given_.load(std::memory_order_acquire)) event->Happened(ok);
  }

 private:
  virtual void Happened(bool ok) = 0;
  std::atomic<bool> given_{false};
};

// A call that the pool can end early.
class PooledCall {
 public:
  virtual ~PooledCall() = default;
  virtual void Cancel() = 0;
};

struct ClientTag final : QueueEvent {
  enum class Kind { kStarted, kRead, kWritten, kWritesDone, kFinished };
  explicit ClientTag(Kind k) : kind(k) {}

  const Kind kind;
  std::shared_ptr<ClientCall> call;  // while the operation is under way

 private:
  void Happened(bool ok) override;
};

// gRPC's part of one call. The pool's queue holds it while an operation is under way; reading goes
// on by itself until the end. Threads: any.
class ClientCall final : public PooledCall, public std::enable_shared_from_this<ClientCall> {
 public:
  ClientCall(GrpcCallEvents events, std::function<void()> on_end)
      : events_(std::move(events)), on_end_(std::move(on_end)) {}

  void Start(grpc::GenericStub& stub, const std::string& method, const GrpcMetadata& metadata,
             TimePoint deadline, grpc::CompletionQueue* queue) {
    for (const auto& [name, value] : metadata.fields()) context_.AddMetadata(name, value);
    if (deadline != TimePoint::max()) context_.set_deadline(ToTimespec(deadline));
    const std::lock_guard lock(mu_);
    stream_ = stub.PrepareCall(&context_, method, queue);
    stream_->StartCall(Begin(started_));
  }

  void Write(GrpcMessage message) {
    const std::lock_guard lock(mu_);
    if (ended_) return;
    unsent_.push_back(std::move(message));
    SendNext();
  }
  void WritesDone() {
    const std::lock_guard lock(mu_);
    if (std::exchange(half_closed_, true) || ended_) return;
    SendNext();
  }
  void Cancel() override { context_.TryCancel(); }

  void OnEvent(ClientTag::Kind kind, bool ok) {
    switch (kind) {
      case ClientTag::Kind::kStarted: return Started(ok);
      case ClientTag::Kind::kRead: return HasRead(ok);
      case ClientTag::Kind::kWritten: return HasWritten(ok);
      case ClientTag::Kind::kWritesDone: return;
      case ClientTag::Kind::kFinished: return Finished();
    }
  }

 private:
  void* Begin(ClientTag& tag) {
    tag.call = shared_from_this();
    return tag.Give();
  }
  void Started(bool ok) {
    const std::lock_guard lock(mu_);
    running_ = ok;
    if (!ok) return Finish();
    stream_->Read(&incoming_, Begin(read_));
    SendNext();
  }
  void HasRead(bool ok) {
    if (ok) {
      events_.on_message(ToBlob(incoming_));
      incoming_.Clear();
    }
    const std::lock_guard lock(mu_);
    if (ok) return stream_->Read(&incoming_, Begin(read_));
    Finish();
  }
  void HasWritten(bool ok) {
    const std::lock_guard lock(mu_);
    writing_ = false;
    unsent_.pop_front();
    if (ok) SendNext();
  }
  void SendNext() {  // mu_ held
    if (!running_ || writing_ || ended_) return;
    if (!unsent_.empty()) {
      writing_ = true;
      return stream_->Write(ToByteBuffer(unsent_.front()), Begin(written_));
    }
    if (half_closed_ && !std::exchange(told_half_closed_, true))
      stream_->WritesDone(Begin(writes_done_));
  }
  void Finish() {  // mu_ held
    ended_ = true;
    stream_->Finish(&status_, Begin(finished_));
  }
  void Finished() {
    events_.on_done({.code = status_.error_code(), .message = status_.error_message()},
                    ToMetadata(context_.GetServerTrailingMetadata()));
    events_ = {};  // they may hold the call
    on_end_();
  }

  GrpcCallEvents events_;
  const std::function<void()> on_end_;
  ClientTag started_{ClientTag::Kind::kStarted}, read_{ClientTag::Kind::kRead},
      written_{ClientTag::Kind::kWritten}, writes_done_{ClientTag::Kind::kWritesDone},
      finished_{ClientTag::Kind::kFinished};
  grpc::ClientContext context_;
  grpc::ByteBuffer incoming_;
  grpc::Status status_;

  std::mutex mu_;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> stream_;  // guarded by mu_
  std::deque<GrpcMessage> unsent_;                                // guarded by mu_
  bool running_ = false, writing_ = false, ended_ = false;        // guarded by mu_
  bool half_closed_ = false, told_half_closed_ = false;           // guarded by mu_
};

void ClientTag::Happened(bool ok) {
  const std::shared_ptr<ClientCall> self = std::move(call);
  self->OnEvent(kind, ok);
}

// One message each way: a single operation of the queue, which holds the call until its end.
class UnaryCall final : public PooledCall,
                        public QueueEvent,
                        public std::enable_shared_from_this<UnaryCall> {
 public:
  UnaryCall(GrpcReplyCallback done, std::function<void()> on_end)
      : done_(std::move(done)), on_end_(std::move(on_end)) {}

  void Start(grpc::GenericStub& stub, const std::string& method, const GrpcMetadata& metadata,
             TimePoint deadline, const GrpcMessage& message, grpc::CompletionQueue* queue) {
    for (const auto& [name, value] : metadata.fields()) context_.AddMetadata(name, value);
    if (deadline != TimePoint::max()) context_.set_deadline(ToTimespec(deadline));
    self_ = shared_from_this();
    const auto keep = self_;  // it may end before the last line has
    reader_ = stub.PrepareUnaryCall(&context_, method, ToByteBuffer(message), queue);
    reader_->StartCall();
    reader_->Finish(&reply_, &status_, Give());
  }
  void Cancel() override { context_.TryCancel(); }

 private:
  void Happened(bool /*ok*/) override {
    const auto self = std::move(self_);
    const GrpcStatus status{.code = status_.error_code(), .message = status_.error_message()};
    done_(status, status.ok() ? ToBlob(reply_) : Blob(),
          ToMetadata(context_.GetServerTrailingMetadata()));
    done_ = nullptr;
    on_end_();
  }

  GrpcReplyCallback done_;
  const std::function<void()> on_end_;
  std::shared_ptr<UnaryCall> self_;  // while the operation is under way
  grpc::ClientContext context_;
  std::unique_ptr<grpc::GenericClientAsyncResponseReader> reader_;
  grpc::ByteBuffer reply_;
  grpc::Status status_;
};

class CallHandle final : public GrpcClientCall {
 public:
  explicit CallHandle(std::shared_ptr<ClientCall> call) : call_(std::move(call)) {}
  ~CallHandle() override { call_->Cancel(); }
  void Write(GrpcMessage message) override { call_->Write(std::move(message)); }
  void WritesDone() override { call_->WritesDone(); }
  void Cancel() override { call_->Cancel(); }

 private:
  const std::shared_ptr<ClientCall> call_;
};

class ChannelPool final : public GrpcChannels {
 public:
  explicit ChannelPool(GrpcChannelOptions options) : options_(std::move(options)) {
    for (int i = 0; i < std::max(options_.threads, 1); ++i)
      threads_.emplace_back([this] { Run(); });
  }
  ~ChannelPool() override;

  std::shared_ptr<GrpcClientCall> Start(const std::string& address, const std::string& method,
                                        const GrpcMetadata& metadata, TimePoint deadline,
                                        GrpcCallEvents events) override;
  void Ask(const std::string& address, const std::string& method, const GrpcMetadata& metadata,
           TimePoint deadline, const GrpcMessage& message, GrpcReplyCallback done) override;

 private:
  // Connections to one address; calls go round them.
  struct Peer {
    std::vector<std::shared_ptr<grpc::GenericStub>> stubs;
    size_t next = 0;
  };
  std::shared_ptr<grpc::GenericStub> Stub(const std::string& address);
  std::shared_ptr<grpc::GenericStub> Connect(const std::string& address) const;
  // A new call, known to the pool until it ends.
  template <typename Call, typename OnOutcome>
  std::shared_ptr<Call> Enter(OnOutcome on_outcome);
  void Run() {
    void* event = nullptr;
    bool ok = false;
    while (queue_.Next(&event, &ok)) QueueEvent::TakeBack(event, ok);
  }

  const GrpcChannelOptions options_;
  grpc::CompletionQueue queue_;
  std::vector<std::thread> threads_;

  std::mutex mu_;
  std::condition_variable ended_;
  uint64_t next_ = 1;                                                // guarded by mu_
  std::unordered_map<uint64_t, std::shared_ptr<PooledCall>> calls_;  // not finished; guarded by mu_
  std::map<std::string, Peer> peers_;                                // by address; guarded by mu_
};

std::shared_ptr<grpc::GenericStub> ChannelPool::Stub(const std::string& address) {
  const std::lock_guard lock(mu_);
  Peer& peer = peers_[address];
  const size_t place = peer.next++ % static_cast<size_t>(std::max(options_.connections, 1));
  if (place >= peer.stubs.size()) peer.stubs.push_back(Connect(address));
  return peer.stubs[place];
}

std::shared_ptr<grpc::GenericStub> ChannelPool::Connect(const std::string& address) const {
  grpc::ChannelArguments arguments;
  // Otherwise gRPC would share one connection among channels that are configured alike.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, options_.connections > 1 ? 1 : 0);
  arguments.SetMaxReceiveMessageSize(
      static_cast<int>(std::min<uint64_t>(options_.max_message_bytes, INT_MAX)));
  arguments.SetMaxSendMessageSize(-1);
  auto credentials = grpc::InsecureChannelCredentials();
  if (options_.tls) {
    grpc::SslCredentialsOptions ssl;
    ssl.pem_root_certs = ReadWhole(options_.authority_file);
    ssl.pem_cert_chain = ReadWhole(options_.certificate_file);
    ssl.pem_private_key = ReadWhole(options_.key_file);
    credentials = grpc::SslCredentials(ssl);
  }
  return std::make_shared<grpc::GenericStub>(
      grpc::CreateCustomChannel(address, credentials, arguments));
}

template <typename Call, typename OnOutcome>
std::shared_ptr<Call> ChannelPool::Enter(OnOutcome on_outcome) {
  const std::lock_guard lock(mu_);
  const uint64_t id = next_++;
  auto call = std::make_shared<Call>(std::move(on_outcome), [this, id] {
    const std::lock_guard inner(mu_);
    calls_.erase(id);
    if (calls_.empty()) ended_.notify_all();
  });
  calls_[id] = call;
  return call;
}

void ChannelPool::Ask(const std::string& address, const std::string& method,
                      const GrpcMetadata& metadata, TimePoint deadline, const GrpcMessage& message,
                      GrpcReplyCallback done) {
  const auto call = Enter<UnaryCall>(std::move(done));
  call->Start(*Stub(address), method, metadata, deadline, message, &queue_);
}

std::shared_ptr<GrpcClientCall> ChannelPool::Start(const std::string& address,
                                                   const std::string& method,
                                                   const GrpcMetadata& metadata, TimePoint deadline,
                                                   GrpcCallEvents events) {
  auto call = Enter<ClientCall>(std::move(events));
  call->Start(*Stub(address), method, metadata, deadline, &queue_);
  return std::make_shared<CallHandle>(std::move(call));
}

ChannelPool::~ChannelPool() {
  {
    std::unique_lock lock(mu_);
    for (const auto& [id, call] : calls_) call->Cancel();
    ended_.wait(lock, [this] { return calls_.empty(); });
  }
  queue_.Shutdown();
  for (std::thread& thread : threads_) thread.join();
}

}  // namespace

std::unique_ptr<GrpcChannels> MakeGrpcChannels(GrpcChannelOptions options) {
  return std::make_unique<ChannelPool>(std::move(options));
}

}  // namespace sarai::net
