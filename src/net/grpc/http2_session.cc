#include "net/grpc/http2_session.h"

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <array>
#include <new>

namespace sarai::net {
namespace {

std::string_view View(const uint8_t* bytes, size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}

std::vector<nghttp2_nv> ToNv(const Http2Fields& fields) {
  std::vector<nghttp2_nv> nv;
  nv.reserve(fields.size());
  for (const auto& [name, value] : fields)
    nv.push_back({.name = reinterpret_cast<uint8_t*>(const_cast<char*>(name.data())),
                  .value = reinterpret_cast<uint8_t*>(const_cast<char*>(value.data())),
                  .namelen = name.size(),
                  .valuelen = value.size(),
                  .flags = NGHTTP2_NV_FLAG_NONE});
  return nv;
}

}  // namespace

struct Http2Session::Stream {
  Http2Request request;  // until it is complete
  size_t header_bytes = 0;
  std::deque<Blob> body;  // not yet in frames
  size_t body_bytes = 0;
  Http2Fields trailers;
  bool ended = false;  // the trailers come after `body`

  void Take(size_t count, OutgoingBytes& out) {
    body_bytes -= count;
    while (count > 0) {
      Blob& front = body.front();
      const size_t taken = std::min(count, front.size());
      out.Share(front.Slice(0, taken));
      count -= taken;
      front = front.Slice(taken, front.size() - taken);
      if (front.empty()) body.pop_front();
    }
  }
};

// Each is called by nghttp2 with the session as `user`.
struct Http2Session::Callbacks {
  static Http2Session& Self(void* user) { return *static_cast<Http2Session*>(user); }

  static int OnBeginHeaders(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    if (frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
    Self(user).streams_[frame->hd.stream_id] = std::make_unique<Stream>();
    return 0;
  }

  static int OnHeader(nghttp2_session*, const nghttp2_frame* frame, const uint8_t* name,
                      size_t name_size, const uint8_t* value, size_t value_size, uint8_t,
                      void* user) {
    if (frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
    Stream* const stream = Self(user).Find(frame->hd.stream_id);
    if (stream == nullptr) return 0;
    Http2Request& request = stream->request;
    constexpr size_t kFieldOverhead = 32;  // RFC 9113 §6.5.2
    stream->header_bytes += name_size + value_size + kFieldOverhead;
    const std::string_view key = View(name, name_size);
    if (key == ":path") {
      request.path = View(value, value_size);
    } else if (key == ":method") {
      request.method = View(value, value_size);
    } else if (stream->header_bytes > Self(user).limits_.max_header_bytes) {
      request.too_large = true;
    } else if (!key.starts_with(':')) {
      request.headers.Add(std::string(key), std::string(View(value, value_size)));
    }
    return 0;
  }

  static int OnFrame(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    Http2Session& self = Self(user);
    const bool ack = (frame->hd.flags & NGHTTP2_FLAG_ACK) != 0;
    if (frame->hd.type == NGHTTP2_PING) {
      ack ? self.listener_.OnPong() : self.listener_.OnPing();
      return 0;
    }
    if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) return 0;
    const int32_t id = frame->hd.stream_id;
    if (frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST)
      if (Stream* const stream = self.Find(id))
        self.listener_.OnRequest(id, std::move(stream->request));
    if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) self.listener_.OnRequestEnd(id);
    return 0;
  }

  static int OnData(nghttp2_session* session, uint8_t, int32_t id, const uint8_t* data, size_t size,
                    void* user) {
    nghttp2_session_consume_connection(session, size);
    Self(user).listener_.OnData(id, std::as_bytes(std::span(data, size)));
    return 0;
  }

  static int OnStreamClose(nghttp2_session*, int32_t id, uint32_t, void* user) {
    Http2Session& self = Self(user);
    self.streams_.erase(id);
    self.listener_.OnClosed(id);
    return 0;
  }

  // An answer that is complete before its request is: the client need not send the rest.
  static int OnFrameSent(nghttp2_session* session, const nghttp2_frame* frame, void*) {
    const bool carries = frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA;
    if (!carries || (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0) return 0;
    if (nghttp2_session_get_stream_remote_close(session, frame->hd.stream_id) == 0)
      nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, frame->hd.stream_id, NGHTTP2_NO_ERROR);
    return 0;
  }

  // How much of the body goes into the next frame. The bytes themselves are fetched by SendData.
  static ssize_t ReadBody(nghttp2_session* session, int32_t id, uint8_t*, size_t room,
                          uint32_t* flags, nghttp2_data_source* source, void*) {
    Stream& stream = *static_cast<Stream*>(source->ptr);
    const size_t size = std::min(room, stream.body_bytes);
    if (size == 0 && !stream.ended) return NGHTTP2_ERR_DEFERRED;
    *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    if (stream.ended && size == stream.body_bytes) {
      *flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
      const auto trailers = ToNv(stream.trailers);
      nghttp2_submit_trailer(session, id, trailers.data(), trailers.size());
    }
    return static_cast<ssize_t>(size);
  }

  static int SendData(nghttp2_session*, nghttp2_frame* frame, const uint8_t* head, size_t size,
                      nghttp2_data_source* source, void* user) {
    Http2Session& self = Self(user);
    constexpr size_t kFrameHeadBytes = 9;
    self.out_->Copy(View(head, kFrameHeadBytes));
    static_cast<Stream*>(source->ptr)->Take(size, *self.out_);
    self.listener_.OnSent(frame->hd.stream_id, size);
    return 0;
  }

  // As large as the client takes; nghttp2 stays at the default of 16 KiB by itself.
  static ssize_t FrameSize(nghttp2_session*, uint8_t, int32_t, int32_t connection_window,
                           int32_t stream_window, uint32_t max_frame, void*) {
    return std::min<int64_t>({connection_window, stream_window, max_frame});
  }

  static const nghttp2_session_callbacks* All() {
    static const auto made = [] {
      nghttp2_session_callbacks* all = nullptr;
      if (nghttp2_session_callbacks_new(&all) != 0) throw std::bad_alloc();
      nghttp2_session_callbacks_set_on_begin_headers_callback(all, OnBeginHeaders);
      nghttp2_session_callbacks_set_on_header_callback(all, OnHeader);
      nghttp2_session_callbacks_set_on_frame_recv_callback(all, OnFrame);
      nghttp2_session_callbacks_set_on_data_chunk_recv_callback(all, OnData);
      nghttp2_session_callbacks_set_on_stream_close_callback(all, OnStreamClose);
      nghttp2_session_callbacks_set_on_frame_send_callback(all, OnFrameSent);
      nghttp2_session_callbacks_set_send_data_callback(all, SendData);
      nghttp2_session_callbacks_set_data_source_read_length_callback(all, FrameSize);
      return std::unique_ptr<nghttp2_session_callbacks, decltype(&nghttp2_session_callbacks_del)>(
          all, nghttp2_session_callbacks_del);
    }();
    return made.get();
  }
};

Http2Session::Http2Session(const Http2Limits& limits, Listener& listener)
    : limits_(limits), listener_(listener) {
  nghttp2_option* option = nullptr;
  if (nghttp2_option_new(&option) != 0) throw std::bad_alloc();
  nghttp2_option_set_no_auto_window_update(option, 1);
  const int made = nghttp2_session_server_new2(&session_, Callbacks::All(), this, option);
  nghttp2_option_del(option);
  if (made != 0) throw std::bad_alloc();
  constexpr uint32_t kMaxStreams = INT32_MAX;  // bounded where calls of all connections are counted
  const std::array<nghttp2_settings_entry, 4> settings = {{
      {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, kMaxStreams},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, static_cast<uint32_t>(limits.stream_window_bytes)},
      {NGHTTP2_SETTINGS_MAX_FRAME_SIZE, limits.max_frame_bytes},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, limits.max_header_bytes},
  }};
  nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings.data(), settings.size());
  nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0,
                                        limits.connection_window_bytes);
}

Http2Session::~Http2Session() { nghttp2_session_del(session_); }

Status Http2Session::Receive(std::span<const char> bytes) {
  const ssize_t taken = nghttp2_session_mem_recv(
      session_, reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
  if (taken >= 0) return {};
  return MakeStatus(Code::kInvalidArgument, "not HTTP/2: {}",
                    nghttp2_strerror(static_cast<int>(taken)));
}

Status Http2Session::Collect(OutgoingBytes& out, size_t enough) {
  out_ = &out;
  ssize_t size = 0;
  while (out.size() < enough) {
    const uint8_t* frame = nullptr;
    size = nghttp2_session_mem_send(session_, &frame);
    if (size <= 0) break;
    out.Copy(View(frame, static_cast<size_t>(size)));
  }
  out_ = nullptr;
  if (size >= 0) return {};
  return MakeStatus(Code::kInternal, "{}", nghttp2_strerror(static_cast<int>(size)));
}

Http2Session::Stream* Http2Session::Find(int32_t stream) const {
  const auto found = streams_.find(stream);
  return found == streams_.end() ? nullptr : found->second.get();
}

void Http2Session::Respond(int32_t stream, const Http2Fields& head) {
  Stream* const found = Find(stream);
  if (found == nullptr) return;
  const nghttp2_data_provider body{.source = {.ptr = found}, .read_callback = Callbacks::ReadBody};
  const auto fields = ToNv(head);
  nghttp2_submit_response(session_, stream, fields.data(), fields.size(), &body);
}

void Http2Session::Send(int32_t stream, GrpcMessage parts) {
  Stream* const found = Find(stream);
  if (found == nullptr) return;
  for (Blob& part : parts) {
    if (part.empty()) continue;
    found->body_bytes += part.size();
    found->body.push_back(std::move(part));
  }
  nghttp2_session_resume_data(session_, stream);  // an error means that it was not waiting
}

void Http2Session::End(int32_t stream, Http2Fields trailers) {
  Stream* const found = Find(stream);
  if (found == nullptr) return;
  found->trailers = std::move(trailers);
  found->ended = true;
  nghttp2_session_resume_data(session_, stream);
}

void Http2Session::RespondOnly(int32_t stream, const Http2Fields& head) {
  if (Find(stream) == nullptr) return;
  const auto fields = ToNv(head);
  nghttp2_submit_response(session_, stream, fields.data(), fields.size(), nullptr);
}

void Http2Session::Consumed(int32_t stream, size_t bytes) {
  nghttp2_session_consume_stream(session_, stream, bytes);
}

void Http2Session::Ping() { nghttp2_submit_ping(session_, NGHTTP2_FLAG_NONE, nullptr); }

void Http2Session::AnnounceGoAway() { nghttp2_submit_shutdown_notice(session_); }

void Http2Session::GoAway(uint32_t error_code, std::string_view text) {
  nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE,
                        nghttp2_session_get_last_proc_stream_id(session_), error_code,
                        reinterpret_cast<const uint8_t*>(text.data()), text.size());
}

bool Http2Session::finished() const {
  return nghttp2_session_want_read(session_) == 0 && nghttp2_session_want_write(session_) == 0;
}

}  // namespace sarai::net
