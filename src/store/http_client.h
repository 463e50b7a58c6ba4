// Blocking HTTP(S) requests on kept-alive connections, by libcurl. One attempt each: no retries, no
// redirects. Shared by everything in this room that speaks HTTP; any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/status.h"
#include "store/cancellation.h"

namespace sarai::store {

struct HttpClientOptions {
  std::string ca_bundle;  // a PEM file; empty = the system's
  std::string proxy;      // for every request; empty = none
  std::string no_proxy;   // comma-separated hosts
  size_t max_idle_handles = 32;
};

struct HttpCall {
  std::string method = "GET";
  std::string url;  // encoded as it is to be sent
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  std::chrono::milliseconds connect_timeout{3000};
  std::chrono::milliseconds stall_timeout{20000};  // no byte for this long
  std::chrono::milliseconds total_timeout{0};      // 0 = none
  uint64_t max_body_bytes = 16u << 20;             // of the reply
  bool use_proxy = true;
};

struct HttpReply {
  long status = 0;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;

  const std::string& header(const std::string& name) const;  // "" when absent
  bool ok() const { return status >= 200 && status < 300; }
};

class HttpClient {
 public:
  explicit HttpClient(HttpClientOptions options);
  ~HttpClient();

  // A reply of any status is a success here. Errors: kUnavailable (no connection, or it broke),
  // kDeadlineExceeded (a timeout), kCancelled, kResourceExhausted (the body is too long).
  Result<HttpReply> Perform(const HttpCall& call, const Cancellation* cancellation = nullptr);

 private:
  struct Handle;  // a CURL easy handle and its connections
  std::unique_ptr<Handle> Take();
  void GiveBack(std::unique_ptr<Handle> handle);

  const HttpClientOptions options_;
  std::mutex mu_;
  std::vector<std::unique_ptr<Handle>> idle_;  // guarded by mu_
};

}  // namespace sarai::store
