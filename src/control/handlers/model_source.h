// What a model's container definition means to us: where its artifact is and how it is served.
// Pure.
#pragma once

#include <map>
#include <string>

#include "base/status.h"
#include "wire/json/json.h"

namespace sarai::control {

struct ModelSource {
  std::string image;
  std::string url;  // multi-model, or an unpacked folder: ends in a slash
  bool multi_model = false;
  std::map<std::string, std::string> environment;
};

// From the members of a CreateModel request: PrimaryContainer, or Containers with one element.
// Error: kInvalidArgument, kUnimplemented (pipelines) with AWS's wording where there is one.
Result<ModelSource> SourceOf(const json::Object& create_model_request);

}  // namespace sarai::control
