#include "store/open_store.h"

#include <memory>
#include <mutex>
#include <random>

#include "store/credential_sources.h"
#include "store/file_store.h"
#include "store/http_client.h"
#include "store/profile.h"
#include "store/s3_store.h"

namespace sarai::store {
namespace {

const std::string& FirstOf(std::initializer_list<const std::string*> texts) {
  for (const std::string* text : texts) {
    if (!text->empty()) return *text;
  }
  return **std::prev(texts.end());
}

std::function<double()> RandomParts(const Clock& clock) {
  struct Source {
    std::mutex mu;
    std::mt19937_64 engine;
  };
  auto source = std::make_shared<Source>();
  source->engine.seed(static_cast<uint64_t>(clock.WallNow().time_since_epoch().count()));
  return [source] {
    std::lock_guard lock(source->mu);
    return std::uniform_real_distribution<double>(0, 1)(source->engine);
  };
}

HttpClientOptions HttpOptions(const Environment& environment, std::string_view endpoint) {
  const auto either = [&](std::string_view lower, std::string_view upper) {
    return FirstOf({&Variable(environment, lower), &Variable(environment, upper)});
  };
  const bool plain = endpoint.starts_with("http://");
  return {
      .ca_bundle = Variable(environment, "AWS_CA_BUNDLE"),
      .proxy = plain ? Variable(environment, "http_proxy") : either("https_proxy", "HTTPS_PROXY"),
      .no_proxy = either("no_proxy", "NO_PROXY")};
}

Result<std::shared_ptr<ObjectStore>> OpenS3(const Location& location, const S3Options& options,
                                            const Environment& environment, const Clock& clock) {
  SARAI_TRY(const Profile profile, LoadProfile(environment));
  static const std::string kDefaultRegion = "us-east-1";
  const std::string& region = FirstOf({&options.region, &Variable(environment, "AWS_REGION"),
                                       &Variable(environment, "AWS_DEFAULT_REGION"),
                                       &profile.value("region"), &kDefaultRegion});
  const std::string& endpoint =
      FirstOf({&options.endpoint, &Variable(environment, "AWS_ENDPOINT_URL_S3"),
               &Variable(environment, "AWS_ENDPOINT_URL"), &profile.value("endpoint_url")});
  SARAI_TRY(const auto checked,
            MakeS3Address(endpoint, options.addressing, region, location.bucket));
  auto http = std::make_shared<HttpClient>(HttpOptions(environment, checked.scheme + "://"));
  auto sources = StandardCredentialSources(
      {.environment = environment, .profile = profile, .region = region}, *http, clock);
  S3StoreOptions store_options{.client = {.bucket = location.bucket,
                                          .endpoint = endpoint,
                                          .region = region,
                                          .addressing = options.addressing,
                                          .max_attempts = options.max_attempts,
                                          .connect_timeout = options.connect_timeout,
                                          .stall_timeout = options.stall_timeout,
                                          .random = RandomParts(clock)},
                               .part_bytes = options.part_bytes,
                               .max_parallel_parts = options.max_parallel_parts};
  return std::make_shared<S3Store>(std::move(store_options), std::move(http), std::move(sources),
                                   clock);
}

}  // namespace

Result<std::shared_ptr<ObjectStore>> OpenObjectStore(const Location& location,
                                                     const S3Options& options,
                                                     const Environment& environment,
                                                     const Clock& clock) {
  if (location.scheme == "file") return std::make_shared<FileStore>();
  if (location.scheme == "s3") return OpenS3(location, options, environment, clock);
  return Error(Code::kInvalidArgument, "there is no object store for the scheme '{}'",
               location.scheme);
}

}  // namespace sarai::store
