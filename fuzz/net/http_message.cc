// A message as it comes from a socket: "request" or "response" and the sizes of the pieces in which
// it arrives in the first line, then its bytes. However it is cut up, it is the same message.
#include <sstream>

#include "fuzz/fuzz.h"
#include "net/internal/heads.h"
#include "net/internal/message_parser.h"
#include "wire/http/uri.h"

namespace sarai::fuzz {
namespace {

constexpr net::ParserLimits kLimits = {.header_bytes = 4096, .body_bytes = 4096};

template <bool kIsRequest>
struct Received {
  bool complete = false, failed = false;
  std::string method, target, body;
  int status = 0, version = 0;
  http::Headers headers;
};

// Reads as a connection does: the parser gets what has arrived; a body of announced length goes
// past it.
template <bool kIsRequest>
class Reader {
 public:
  Received<kIsRequest> Read(std::string_view stream, const std::vector<size_t>& pieces) {
    size_t next = 0, arrived = 0;
    while (!done_ && !failed_ && arrived < stream.size()) {
      const size_t piece = pieces.empty() ? stream.size() : pieces[next++ % pieces.size()];
      const size_t end = std::min(stream.size(), arrived + std::max<size_t>(piece, 1));
      // A block of its own, as in a connection's buffer.
      waiting_ += stream.substr(arrived, end - arrived);
      arrived = end;
      Feed();
    }
    return Result();
  }

 private:
  void Feed() {
    while (!done_ && !failed_ && !waiting_.empty()) {
      if (in_body_) return FeedBody();
      const std::string block = std::exchange(waiting_, {});
      net::ErrorCode error;
      const size_t used = parser_.Parse(block, error);
      FUZZ_EXPECT(used <= block.size());
      waiting_ = block.substr(used);
      if (error && error != net::beast_http::error::need_more) failed_ = true;
      if (failed_) return;
      if (parser_.is_done()) done_ = true;
      if (parser_.is_header_done() && parser_.HasSizedBody() && !done_) in_body_ = true;
      if (used == 0 && !in_body_) return;
    }
  }
  void FeedBody() {
    const size_t wanted = *parser_.content_length() - parser_.body.size();
    const std::string part = waiting_.substr(0, wanted);
    FUZZ_EXPECT(parser_.body.Append(part));
    waiting_.erase(0, part.size());
    done_ = part.size() == wanted;
  }
  Received<kIsRequest> Result() {
    FUZZ_EXPECT(parser_.body.size() <= kLimits.body_bytes);
    size_t header_bytes = 0;
    for (const auto& [name, value] : parser_.headers.fields())
      header_bytes += name.size() + value.size();
    FUZZ_EXPECT(header_bytes <= kLimits.header_bytes);
    return {.complete = done_,
            .failed = failed_,
            .method = parser_.method,
            .target = parser_.target,
            .body = std::string(parser_.body.Release().text()),
            .status = parser_.status,
            .version = parser_.version,
            .headers = parser_.headers};
  }

  net::MessageParser<kIsRequest> parser_{kLimits};
  std::string waiting_;
  bool in_body_ = false, done_ = false, failed_ = false;
};

std::string HeadOf(const Received<true>& received) {
  const http::Request request{.method = received.method,
                              .target = received.target,
                              .headers = received.headers,
                              .body = Blob::FromString(received.body)};
  std::string head;
  return ExpectAnswer(net::AppendRequestHead(head, request, "address")) ? head : "";
}

std::string HeadOf(const Received<false>& received) {
  if (received.status < 200) return "";
  http::Response response{.status = received.status, .headers = received.headers};
  response.body.push_back(Blob::FromString(received.body));
  std::string head;
  net::AppendResponseHead(head, response, {.server_name = "s", .date = "d"});
  return head;
}

// Sent on, whatever its fields hold, it is one message and has the same body.
template <bool kIsRequest>
void ExpectSameSentOn(const Received<kIsRequest>& received) {
  const std::string head = HeadOf(received);
  if (head.empty() || head.size() > kLimits.header_bytes) return;
  const bool has_body = kIsRequest || net::StatusHasBody(received.status);
  const std::string message = head + (has_body ? received.body : "");
  const auto again = Reader<kIsRequest>().Read(message, {});
  FUZZ_EXPECT(again.complete, "{}", message);
  FUZZ_EXPECT(!has_body || again.body == received.body, "{}", message);
  FUZZ_EXPECT(again.method == received.method && again.target == received.target, "{}", message);
}

template <bool kIsRequest>
void ReadBothWays(std::string_view stream, const std::vector<size_t>& pieces) {
  const auto whole = Reader<kIsRequest>().Read(stream, {});
  const auto cut = Reader<kIsRequest>().Read(stream, pieces);
  if (whole.complete) {
    FUZZ_EXPECT(cut.complete);
    FUZZ_EXPECT(cut.method == whole.method && cut.target == whole.target);
    FUZZ_EXPECT(cut.status == whole.status && cut.version == whole.version);
    FUZZ_EXPECT(cut.headers.fields() == whole.headers.fields());
    FUZZ_EXPECT(cut.body == whole.body);
    ExpectSameSentOn(whole);
  }
  if (kIsRequest) ExpectAnswer(http::ParseTarget(whole.target));
}

void Run(Input input) {
  std::istringstream words{std::string(input.Line())};
  std::string kind;
  words >> kind;
  std::vector<size_t> pieces;
  for (size_t piece = 0; pieces.size() < 16 && words >> piece;) pieces.push_back(piece);
  if (kind == "request") ReadBothWays<true>(input.rest(), pieces);
  if (kind == "response") ReadBothWays<false>(input.rest(), pieces);
}

}  // namespace
}  // namespace sarai::fuzz

FUZZ_TARGET(sarai::fuzz::Run)
