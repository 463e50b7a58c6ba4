// Objects of one S3 bucket, on AWS or any server that speaks its protocol. Large objects come in
// ranges, several at a time, each pinned to the version that Head saw. Any thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "store/credentials.h"
#include "store/http_client.h"
#include "store/object_store.h"
#include "store/s3_client.h"

namespace sarai::store {

struct S3StoreOptions {
  S3ClientOptions client;
  uint64_t part_bytes = 8ull << 20;
  int max_parallel_parts = 4;
};

class S3Store final : public ObjectStore {
 public:
  // `clock` must outlive the store; `http` is what the credential sources use as well.
  S3Store(S3StoreOptions options, std::shared_ptr<HttpClient> http,
          std::vector<CredentialSource> sources, const Clock& clock)
      : part_bytes_(std::max<uint64_t>(options.part_bytes, 1)),
        max_parallel_parts_(options.max_parallel_parts),
        http_(std::move(http)),
        credentials_(std::move(sources), clock),
        client_(std::move(options.client), *http_, credentials_, clock) {}

  Result<ObjectInfo> Head(const std::string& key) override;
  Status Get(const ObjectInfo& info, const ByteSink& sink) override;
  Result<ListPage> List(const std::string& prefix, bool by_folder,
                        const std::string& continuation) override;

 private:
  Result<std::string> GetPart(const ObjectInfo& info, uint64_t index, Cancellation& cancellation);
  Status CheckPart(const ObjectInfo& info, const HttpReply& reply, uint64_t expected_bytes) const;
  // Why a HEAD was refused: its reply has no body, so the reason is asked for with a GET.
  Status Explain(const std::string& key, const S3Failure& failure);

  const uint64_t part_bytes_;
  const int max_parallel_parts_;
  const std::shared_ptr<HttpClient> http_;
  CredentialsProvider credentials_;
  S3Client client_;
};

}  // namespace sarai::store
