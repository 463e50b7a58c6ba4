// The body of the requests: made up from what the model says of its inputs, or read from a file.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/blob.h"
#include "base/status.h"
#include "types/inference.h"

namespace sarai::loadgen {

struct PayloadOptions {
  bool json = false;   // numbers as JSON instead of binary tensors
  bool zeros = false;  // instead of random values
  int64_t batch = 1;   // where the first dimension is variable
  size_t string_length = 16;
  // "NAME" -> dimensions; of an input of no model's metadata also its type.
  struct Input {
    std::optional<DataType> type;
    Shape shape;
  };
  std::map<std::string, Input, std::less<>> inputs;
  Blob file;  // sent as it is; over gRPC by EncodeGrpc
  std::string content_type;
  uint64_t max_input_bytes = 1ull << 30;
};

// "NAME:1,3,224,224" or "NAME:FP32:1,3,224,224".
Result<std::pair<std::string, PayloadOptions::Input>> ParseInputFlag(std::string_view text);

// What a model says of its inputs, batch dimension included.
using Signature = std::vector<TensorSpec>;

// Reads KServe's model metadata.
Result<Signature> ParseSignature(std::string_view metadata_json);
// Only from `--shape`: needs types.
Result<Signature> SignatureFromFlags(const PayloadOptions& options);

// One request's tensors. A variable first dimension is the batch, other variable ones need
// a --shape. Errors name the input and the flag.
Result<InferRequest> MakeRequest(const Signature& signature, const PayloadOptions& options,
                                 uint64_t seed);

struct HttpBody {
  Blob body;
  std::string content_type;
  std::optional<size_t> json_size;  // binary: where the tensors begin
};
Result<HttpBody> EncodeHttp(const InferRequest& request, bool json);

// A file as a ModelInferRequest but for the model's name and version: such a message, or what
// KServe takes over HTTP as JSON. Errors: kInvalidArgument, what is wrong with it.
Result<std::vector<Blob>> EncodeGrpc(const Blob& file);

}  // namespace sarai::loadgen
