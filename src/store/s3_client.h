// One bucket's requests: signed, sent to where the bucket is, tried again when that can help.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <functional>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/status.h"
#include "store/cancellation.h"
#include "store/credentials.h"
#include "store/http_client.h"
#include "store/s3_address.h"
#include "store/s3_xml.h"

namespace sarai::store {

struct S3ClientOptions {
  std::string bucket;
  std::string endpoint;  // empty = AWS
  std::string region;
  S3Addressing addressing = S3Addressing::kAuto;
  int max_attempts = 4;  // per request
  std::chrono::milliseconds connect_timeout{3000};
  std::chrono::milliseconds stall_timeout{20000};
  Duration first_backoff = std::chrono::milliseconds(100);  // doubles up to max_backoff
  Duration max_backoff = std::chrono::seconds(5);
  std::function<double()> random;  // [0, 1), any thread: what part of a back-off is waited
};

struct S3Call {
  std::string method = "GET";
  std::string key;  // empty = the bucket
  S3Query query;
  std::vector<std::pair<std::string, std::string>> headers;
  uint64_t max_body_bytes = 16u << 20;
};

// A failure as S3 tells it: what the Status says, and the parts that decide what to do next.
struct S3Failure {
  Status status;
  long http_status = 0;  // 0 = no reply
  std::string code;      // S3's own; empty when there was no body
};

// Owned by one store; `http`, `credentials` and `clock` outlive it. Any thread.
class S3Client {
 public:
  S3Client(S3ClientOptions options, HttpClient& http, CredentialsProvider& credentials,
           const Clock& clock)
      : options_(std::move(options)),
        http_(http),
        credentials_(credentials),
        clock_(clock),
        region_(options_.region) {}

  // A reply with a 2xx status, or why there is none. Transient failures are tried again with
  // exponential back-off and full jitter; a bucket that lives in another region is followed there
  // and expired credentials are renewed, once each.
  std::expected<HttpReply, S3Failure> Send(const S3Call& call, Cancellation& cancellation);

  // "s3://bucket/key"
  std::string Url(const std::string& key) const {
    return fmt::format("s3://{}/{}", options_.bucket, key);
  }
  const S3ClientOptions& options() const { return options_; }

 private:
  struct Attempt;
  std::expected<HttpReply, S3Failure> SendOnce(const S3Call& call, Attempt& attempt,
                                               const Cancellation& cancellation);
  Result<HttpCall> MakeCall(const S3Call& call, const std::string& region,
                            const Credentials& credentials) const;
  // Whether there is something to mend that needs no waiting: region or credentials.
  bool Mend(const HttpReply& reply, const S3ErrorBody& body, Attempt& attempt);
  Duration Backoff(int failures) const;
  std::string region() const;

  const S3ClientOptions options_;
  HttpClient& http_;
  CredentialsProvider& credentials_;
  const Clock& clock_;
  mutable std::mutex mu_;
  std::string region_;  // guarded by mu_: where the bucket turned out to be
};

}  // namespace sarai::store
