#include "store/http_client.h"

#include <curl/curl.h>
#include <sys/socket.h>

#include <algorithm>
#include <optional>

#include "base/strings.h"

namespace sarai::store {
namespace {

constexpr size_t kMaxHeaders = 200;
constexpr long kCurlBufferBytes = 512 * 1024;

struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using HeaderList = std::unique_ptr<curl_slist, FreeList>;

// One request under way: what libcurl's callbacks write to.
struct Exchange {
  CURL* handle;
  const HttpCall& call;
  const Cancellation* cancellation;
  HttpReply reply;
  std::optional<Status> failure;  // ours, not libcurl's
};

// A body of known length gets its memory at once, so that it never takes up more than its size.
void Reserve(Exchange& exchange) {
  const auto length = ParseInt(exchange.reply.header("content-length"));
  if (!length || *length <= 0) return;
  exchange.reply.body.reserve(
      std::min(static_cast<uint64_t>(*length), exchange.call.max_body_bytes));
}

size_t OnBody(char* data, size_t, size_t count, void* self) {
  auto& exchange = *static_cast<Exchange*>(self);
  std::string& body = exchange.reply.body;
  if (body.size() + count > exchange.call.max_body_bytes) {
    exchange.failure = MakeStatus(Code::kResourceExhausted, "the reply is longer than {} bytes",
                                  exchange.call.max_body_bytes);
    return CURL_WRITEFUNC_ERROR;
  }
  if (body.empty()) Reserve(exchange);
  body.append(data, count);
  return count;
}

size_t OnHeader(char* data, size_t, size_t count, void* self) {
  auto& headers = static_cast<Exchange*>(self)->reply.headers;
  const std::string_view line(data, count);
  if (line.starts_with("HTTP/")) headers.clear();  // an interim reply came before
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos || headers.size() >= kMaxHeaders) return count;
  headers[ToLower(Trim(line.substr(0, colon)))] = Trim(line.substr(colon + 1));
  return count;
}

int OnProgress(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  const auto* cancellation = static_cast<Exchange*>(self)->cancellation;
  return cancellation != nullptr && cancellation->cancelled() ? 1 : 0;
}

HeaderList MakeHeaders(const HttpCall& call) {
  HeaderList list;
  const auto append = [&list](const std::string& line) {
    curl_slist* longer = curl_slist_append(list.get(), line.c_str());
    if (longer == nullptr) return;
    (void)list.release();
    list.reset(longer);
  };
  // libcurl leaves out a header without a value unless it ends in ";".
  for (const auto& [name, value] : call.headers) {
    append(value.empty() ? name + ';' : fmt::format("{}: {}", name, value));
  }
  // Without a value it is libcurl's own header that is left out.
  append("Expect:");
  const bool typed = std::ranges::any_of(call.headers, [](const auto& header) {
    return EqualsIgnoreCase(header.first, "Content-Type");
  });
  if (!typed) append("Content-Type:");
  return list;
}

void SetTimeouts(CURL* handle, const HttpCall& call) {
  const auto stall_seconds = std::chrono::ceil<std::chrono::seconds>(call.stall_timeout).count();
  curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS, call.connect_timeout.count());
  curl_easy_setopt(handle, CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl_easy_setopt(handle, CURLOPT_LOW_SPEED_TIME, std::max<long>(stall_seconds, 1));
  curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, call.total_timeout.count());
}

void SetMethod(CURL* handle, const HttpCall& call) {
  if (call.method == "HEAD") {
    curl_easy_setopt(handle, CURLOPT_NOBODY, 1L);
    return;
  }
  if (call.method != "GET") {
    curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE,
                     static_cast<curl_off_t>(call.body.size()));
    curl_easy_setopt(handle, CURLOPT_POSTFIELDS, call.body.data());
  }
  curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST, call.method.c_str());
}

void SetCallbacks(CURL* handle, Exchange& exchange) {
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, OnBody);
  curl_easy_setopt(handle, CURLOPT_WRITEDATA, &exchange);
  curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, OnHeader);
  curl_easy_setopt(handle, CURLOPT_HEADERDATA, &exchange);
  curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, OnProgress);
  curl_easy_setopt(handle, CURLOPT_XFERINFODATA, &exchange);
  curl_easy_setopt(handle, CURLOPT_NOPROGRESS, 0L);
}

// Like libcurl's own, but child processes do not inherit the connection.
curl_socket_t OpenSocket(void*, curlsocktype, curl_sockaddr* address) {
  return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

void SetSession(CURL* handle, const HttpClientOptions& options, bool use_proxy) {
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle, CURLOPT_OPENSOCKETFUNCTION, OpenSocket);
  curl_easy_setopt(handle, CURLOPT_PATH_AS_IS, 1L);
  curl_easy_setopt(handle, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(handle, CURLOPT_BUFFERSIZE, kCurlBufferBytes);
  curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(handle, CURLOPT_PROXY, use_proxy ? options.proxy.c_str() : "");
  curl_easy_setopt(handle, CURLOPT_NOPROXY, options.no_proxy.c_str());
  if (!options.ca_bundle.empty()) {
    curl_easy_setopt(handle, CURLOPT_CAINFO, options.ca_bundle.c_str());
  }
}

Status Failure(CURLcode result, const char* detail, const std::string& url) {
  const std::string_view place = std::string_view(url).substr(0, url.find('/', url.find("//") + 2));
  const char* text = *detail != '\0' ? detail : curl_easy_strerror(result);
  switch (result) {
    case CURLE_ABORTED_BY_CALLBACK: return {Code::kCancelled, "the request was called off"};
    case CURLE_OPERATION_TIMEDOUT:
      return MakeStatus(Code::kDeadlineExceeded, "{} does not answer in time: {}", place, text);
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
      return MakeStatus(Code::kInvalidArgument, "'{}' is not an http or https URL: {}", place,
                        text);
    case CURLE_OUT_OF_MEMORY: return {Code::kResourceExhausted, "no memory for an HTTP request"};
    default: return MakeStatus(Code::kUnavailable, "{} cannot be reached: {}", place, text);
  }
}

}  // namespace

struct HttpClient::Handle {
  Handle() : curl(curl_easy_init()) {}
  ~Handle() { curl_easy_cleanup(curl); }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  CURL* const curl;
};

const std::string& HttpReply::header(const std::string& name) const {
  static const std::string kNone;
  const auto found = headers.find(name);
  return found == headers.end() ? kNone : found->second;
}

HttpClient::HttpClient(HttpClientOptions options) : options_(std::move(options)) {
  curl_global_init(CURL_GLOBAL_DEFAULT);  // counted and, since 7.84, safe from any thread
}

HttpClient::~HttpClient() {
  idle_.clear();
  curl_global_cleanup();
}

std::unique_ptr<HttpClient::Handle> HttpClient::Take() {
  std::lock_guard lock(mu_);
  if (idle_.empty()) return std::make_unique<Handle>();
  std::unique_ptr<Handle> handle = std::move(idle_.back());
  idle_.pop_back();
  return handle;
}

void HttpClient::GiveBack(std::unique_ptr<Handle> handle) {
  std::lock_guard lock(mu_);
  if (idle_.size() < options_.max_idle_handles) idle_.push_back(std::move(handle));
}

Result<HttpReply> HttpClient::Perform(const HttpCall& call, const Cancellation* cancellation) {
  std::unique_ptr<Handle> handle = Take();
  CURL* const curl = handle->curl;
  if (curl == nullptr) return Error(Code::kResourceExhausted, "no memory for an HTTP request");
  Exchange exchange{.handle = curl, .call = call, .cancellation = cancellation};
  char detail[CURL_ERROR_SIZE] = "";
  const HeaderList headers = MakeHeaders(call);
  curl_easy_reset(curl);  // keeps the connections
  SetSession(curl, options_, call.use_proxy);
  SetTimeouts(curl, call);
  SetMethod(curl, call);
  SetCallbacks(curl, exchange);
  curl_easy_setopt(curl, CURLOPT_URL, call.url.c_str());
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, detail);
  const CURLcode result = curl_easy_perform(curl);
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &exchange.reply.status);
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, nullptr);
  GiveBack(std::move(handle));
  if (exchange.failure) return Error(std::move(*exchange.failure));
  if (result != CURLE_OK) return Error(Failure(result, detail, call.url));
  return std::move(exchange.reply);
}

}  // namespace sarai::store
