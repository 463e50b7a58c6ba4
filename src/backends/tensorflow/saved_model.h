// What a SavedModel says of itself: its graphs' tags and signatures, read from the bytes of
// saved_model.pb. No framework in here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "types/tensor.h"

namespace sarai::backends::tensorflow {

// One tensor of a signature.
struct GraphTensor {
  std::string operation;  // of the graph
  int index = 0;          // among the operation's outputs
  DataType type = DataType::kInvalid;
  bool unknown_rank = true;
  Shape dims;
};

struct GraphSignature {
  std::map<std::string, GraphTensor> inputs, outputs;  // by the names that clients use
};

struct MetaGraph {
  std::vector<std::string> tags;
  std::map<std::string, GraphSignature> signatures;
};

// Errors: kDataLoss when the bytes are no SavedModel; kUnimplemented names a signature's tensor
// that is sparse or of a type that no protocol has.
Result<std::vector<MetaGraph>> ParseSavedModel(std::span<const std::byte> bytes);

// The graph with that tag; by default the one with "serve", else the first. Errors:
// kInvalidArgument says which tags there are.
Result<MetaGraph> ChooseGraph(std::vector<MetaGraph> graphs, const std::string& tag);

// The signature of that name; by default "serving_default", else the first one that is not
// TensorFlow's own. Errors: kInvalidArgument says which there are.
Result<GraphSignature> ChooseSignature(const MetaGraph& graph, const std::string& name);

// Of types.proto; 0 and kInvalid where there is no counterpart.
int ToTfType(DataType type);
DataType FromTfType(int type);

}  // namespace sarai::backends::tensorflow
