// A real S3 server for tests: versitygw over a folder, on a port that the kernel picks.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>

#include "base/clock.h"
#include "store/http_client.h"
#include "store/open_store.h"
#include "store/test_archive.h"

namespace sarai::store {

class TestS3Server {
 public:
  // Null when the binary is not installed.
  static std::unique_ptr<TestS3Server> Start();
  ~TestS3Server();

  std::string endpoint() const;
  // The environment of a client that may do everything.
  Environment environment() const;

  void MakeBucket(const std::string& bucket) { Put("/" + bucket, ""); }
  void PutObject(const std::string& bucket, const std::string& key, const std::string& bytes);

 private:
  TestS3Server() = default;
  bool FindPort();
  void Put(const std::string& path, const std::string& bytes);

  TestFolder folder_;
  RealClock clock_;
  HttpClient http_{HttpClientOptions{}};
  pid_t pid_ = 0;
  int port_ = 0;
};

}  // namespace sarai::store
