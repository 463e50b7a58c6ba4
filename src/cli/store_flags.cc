#include "cli/store_flags.h"

#include <map>
#include <string>

#include <CLI/CLI.hpp>

namespace sarai::cli {

void AddStoreFlags(CLI::App& app, store::S3Options& options) {
  app.add_option("--s3-endpoint", options.endpoint,
                 "S3-compatible server (default: AWS_ENDPOINT_URL_S3, else AWS)")
      ->type_name("URL");
  app.add_option("--s3-region", options.region,
                 "Region to sign for (default: AWS_REGION, the profile's, us-east-1)")
      ->type_name("REGION");
  const std::map<std::string, store::S3Addressing> styles = {
      {"auto", store::S3Addressing::kAuto},
      {"path", store::S3Addressing::kPath},
      {"virtual", store::S3Addressing::kVirtual}};
  app.add_option("--s3-addressing", options.addressing,
                 "Bucket in the path or in the host name: auto, path, virtual")
      ->transform(CLI::CheckedTransformer(styles, CLI::ignore_case))
      ->type_name("STYLE");
}

void ApplyStoreEnvironment(const store::Environment& environment, store::S3Options& options) {
  if (!options.endpoint.empty()) return;
  if (const auto it = environment.find("AWS_ENDPOINT_URL_S3"); it != environment.end())
    options.endpoint = it->second;
}

}  // namespace sarai::cli
