// From bytes to a message's parts: Beast's incremental HTTP/1 parser, delivering straight into our
// own values instead of Beast's containers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <boost/beast/http/basic_parser.hpp>

#include "net/internal/asio.h"
#include "net/internal/buffers.h"
#include "wire/http/message.h"

namespace sarai::net {

namespace beast_http = boost::beast::http;

struct ParserLimits {
  uint32_t header_bytes;
  uint64_t body_bytes;
};

// Parses one message. A body of announced length is not passed through it: its owner reads that
// into `body` directly. Chunked bodies and bodies up to the end of the stream are appended here.
template <bool kIsRequest>
class MessageParser final : public beast_http::basic_parser<kIsRequest> {
 public:
  using Base = beast_http::basic_parser<kIsRequest>;

  explicit MessageParser(const ParserLimits& limits) : header_bytes_left_(limits.header_bytes) {
    this->header_limit(limits.header_bytes);
    this->body_limit(limits.body_bytes);
  }

  // Parses the header, or more of a body; returns how many bytes are used up. An error
  // `need_more` is no error.
  size_t Parse(std::string_view bytes, ErrorCode& error) {
    if (this->is_header_done()) this->eager(true);
    return this->put(asio::buffer(bytes.data(), bytes.size()), error);
  }

  // Announced and not empty.
  bool HasSizedBody() const { return this->content_length().value_or(0) > 0 && !this->is_done(); }

  std::string method;  // of a request
  std::string target;
  int status = 0;  // of a response
  http::Headers headers;
  BodyBuffer body;
  int version = 11;
  int host_fields = 0;
  bool expects_continue = false;
  bool unknown_expectation = false;
  bool unknown_transfer_encoding = false;  // anything but exactly one "chunked"

 private:
  using View = boost::beast::string_view;
  using Field = beast_http::field;
  static std::string_view Std(View view) { return {view.data(), view.size()}; }

  void on_request_impl(beast_http::verb, View request_method, View request_target, int http_version,
                       ErrorCode& error) override {
    if (!Take(request_method.size() + request_target.size(), error)) return;
    method = Std(request_method);
    target = Std(request_target);
    version = http_version;
  }
  void on_response_impl(int code, View, int http_version, ErrorCode&) override {
    status = code;
    version = http_version;
  }
  void on_field_impl(Field field, View name, View value, ErrorCode& error) override {
    // Beast bounds what it looks at in one piece; a header that drips in line by line passes that.
    if (!Take(name.size() + value.size() + 4, error)) return;
    if (header_done_) return;  // trailers are dropped
    Note(field, value);
    headers.Add(std::string(Std(name)), std::string(Std(value)));
  }
  bool Take(size_t bytes, ErrorCode& error) {
    if (bytes > header_bytes_left_) {
      error = beast_http::error::header_limit;
      return false;
    }
    header_bytes_left_ -= bytes;
    return true;
  }
  void Note(Field field, View value) {
    if (field == Field::host) ++host_fields;
    if (field == Field::transfer_encoding && !boost::beast::iequals(value, "chunked"))
      unknown_transfer_encoding = true;
    if (field != Field::expect) return;
    const bool known = boost::beast::iequals(value, "100-continue");
    (known ? expects_continue : unknown_expectation) = true;
  }
  void on_header_impl(ErrorCode&) override { header_done_ = true; }
  void on_body_init_impl(const boost::optional<uint64_t>&, ErrorCode&) override {}
  size_t on_body_impl(View bytes, ErrorCode& error) override { return Keep(bytes, error); }
  void on_chunk_header_impl(uint64_t, View, ErrorCode&) override {}
  size_t on_chunk_body_impl(uint64_t, View bytes, ErrorCode& error) override {
    return Keep(bytes, error);
  }
  void on_finish_impl(ErrorCode&) override {}

  size_t Keep(View bytes, ErrorCode& error) {
    if (body.Append(Std(bytes))) return bytes.size();
    error = make_error_code(boost::system::errc::not_enough_memory);
    return 0;
  }

  size_t header_bytes_left_;
  bool header_done_ = false;
};

using RequestParser = MessageParser<true>;
using ResponseParser = MessageParser<false>;

}  // namespace sarai::net
