#include "backends/tensorflow/saved_model.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <utility>

#include "base/strings.h"

namespace sarai::backends::tensorflow {
namespace {

using Bytes = std::span<const std::byte>;

// Field numbers of saved_model.proto, meta_graph.proto and tensor_shape.proto.
constexpr uint32_t kSavedModelGraphs = 2;
constexpr uint32_t kGraphInfo = 1, kGraphSignatures = 5;
constexpr uint32_t kInfoTags = 4;
constexpr uint32_t kMapKey = 1, kMapValue = 2;
constexpr uint32_t kSignatureInputs = 1, kSignatureOutputs = 2;
constexpr uint32_t kTensorName = 1, kTensorType = 2, kTensorShape = 3;
constexpr uint32_t kShapeDim = 2, kShapeUnknownRank = 3;
constexpr uint32_t kDimSize = 1;

// The fields of one protobuf message, one after the other.
class Fields {
 public:
  struct Field {
    uint32_t number = 0;
    uint64_t value = 0;  // of a varint
    Bytes bytes;         // of a length-delimited field
  };

  explicit Fields(Bytes message) : left_(message) {}

  // Nothing at the end, and where the bytes are no protobuf: then bad().
  std::optional<Field> Next() {
    if (left_.empty()) return std::nullopt;
    auto field = Read();
    bad_ = bad_ || !field;
    return field;
  }
  bool bad() const { return bad_; }

 private:
  std::optional<Field> Read() {
    const auto tag = Varint();
    if (!tag) return std::nullopt;
    Field field{.number = static_cast<uint32_t>(*tag >> 3)};
    std::optional<uint64_t> length;
    switch (*tag & 7) {
      case 0:
        length = Varint();
        field.value = length.value_or(0);
        break;
      case 1: length = 8; break;
      case 2: length = Varint(); break;
      case 5: length = 4; break;
      default: return std::nullopt;
    }
    if (!length) return std::nullopt;
    if ((*tag & 7) == 0) return field;
    if (*length > left_.size()) return std::nullopt;
    field.bytes = left_.first(*length);
    left_ = left_.subspan(*length);
    return field;
  }

  std::optional<uint64_t> Varint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64 && !left_.empty(); shift += 7) {
      const auto bits = std::to_integer<uint64_t>(left_.front());
      left_ = left_.subspan(1);
      value |= (bits & 0x7f) << shift;
      if (bits < 0x80) return value;
    }
    return std::nullopt;
  }

  Bytes left_;
  bool bad_ = false;
};

std::string Text(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

Status NoSavedModel() {
  return MakeStatus(Code::kDataLoss, "saved_model.pb is no SavedModel, or is damaged");
}

// Calls `visit(field)`, of Status, for every field.
Status Each(Bytes message, auto visit) {
  Fields fields(message);
  while (const auto field = fields.Next()) SARAI_CHECK_OK(visit(*field));
  return fields.bad() ? NoSavedModel() : Status();
}

// Of a map's entry: `visit(key, value)`.
Status Entry(Bytes message, auto visit) {
  std::string key;
  Bytes value;
  SARAI_CHECK_OK(Each(message, [&](const Fields::Field& field) {
    if (field.number == kMapKey) key = Text(field.bytes);
    if (field.number == kMapValue) value = field.bytes;
    return Status();
  }));
  return visit(std::move(key), value);
}

Status ReadShape(Bytes message, GraphTensor& tensor) {
  tensor.unknown_rank = false;
  return Each(message, [&](const Fields::Field& field) -> Status {
    if (field.number == kShapeUnknownRank) tensor.unknown_rank = field.value != 0;
    if (field.number != kShapeDim) return Status();
    int64_t size = 0;
    SARAI_CHECK_OK(Each(field.bytes, [&](const Fields::Field& part) {
      if (part.number == kDimSize) size = static_cast<int64_t>(part.value);
      return Status();
    }));
    tensor.dims.push_back(size < 0 ? -1 : size);
    return Status();
  });
}

// "StatefulPartitionedCall:1"
Status ReadPlace(const std::string& text, GraphTensor& tensor) {
  const size_t colon = text.rfind(':');
  tensor.operation = text.substr(0, colon);
  if (colon == std::string::npos) return {};
  const auto index = ParseInt(std::string_view(text).substr(colon + 1));
  if (!index || *index < 0 || *index > INT32_MAX) return NoSavedModel();
  tensor.index = static_cast<int>(*index);
  return {};
}

Status ReadTensor(const std::string& name, Bytes message, GraphTensor& tensor) {
  int type = 0;
  SARAI_CHECK_OK(Each(message, [&](const Fields::Field& field) {
    switch (field.number) {
      case kTensorName: return ReadPlace(Text(field.bytes), tensor);
      case kTensorType: type = static_cast<int>(field.value); return Status();
      case kTensorShape: return ReadShape(field.bytes, tensor);
      default: return Status();
    }
  }));
  tensor.type = FromTfType(type);
  if (tensor.operation.empty() || tensor.type == DataType::kInvalid)
    return MakeStatus(Code::kUnimplemented,
                      "tensor '{}' of the signature is sparse, or of a type ({}) that no protocol "
                      "has",
                      name, type);
  return {};
}

Status ReadTensors(Bytes entry, std::map<std::string, GraphTensor>& tensors) {
  return Entry(
      entry, [&](std::string name, Bytes value) { return ReadTensor(name, value, tensors[name]); });
}

Status ReadSignature(Bytes message, GraphSignature& signature) {
  return Each(message, [&](const Fields::Field& field) {
    if (field.number == kSignatureInputs) return ReadTensors(field.bytes, signature.inputs);
    if (field.number == kSignatureOutputs) return ReadTensors(field.bytes, signature.outputs);
    return Status();
  });
}

// TensorFlow's own are called "__saved_model_init_op" and the like, and are not for clients.
bool IsInternal(std::string_view signature) { return signature.starts_with("__"); }

Status ReadGraph(Bytes message, MetaGraph& graph) {
  return Each(message, [&](const Fields::Field& field) {
    if (field.number == kGraphInfo)
      return Each(field.bytes, [&](const Fields::Field& info) {
        if (info.number == kInfoTags) graph.tags.push_back(Text(info.bytes));
        return Status();
      });
    if (field.number != kGraphSignatures) return Status();
    return Entry(field.bytes, [&](std::string name, Bytes value) {
      return IsInternal(name) ? Status() : ReadSignature(value, graph.signatures[name]);
    });
  });
}

struct TypePair {
  DataType ours;
  int theirs;
};
constexpr std::array kTypes = {
    TypePair{DataType::kFp32, 1},    TypePair{DataType::kFp64, 2},    TypePair{DataType::kInt32, 3},
    TypePair{DataType::kUint8, 4},   TypePair{DataType::kInt16, 5},   TypePair{DataType::kInt8, 6},
    TypePair{DataType::kBytes, 7},   TypePair{DataType::kInt64, 9},   TypePair{DataType::kBool, 10},
    TypePair{DataType::kBf16, 14},   TypePair{DataType::kUint16, 17}, TypePair{DataType::kFp16, 19},
    TypePair{DataType::kUint32, 22}, TypePair{DataType::kUint64, 23}};

}  // namespace

int ToTfType(DataType type) {
  const auto at = std::ranges::find(kTypes, type, &TypePair::ours);
  return at == kTypes.end() ? 0 : at->theirs;
}

DataType FromTfType(int type) {
  const auto at = std::ranges::find(kTypes, type, &TypePair::theirs);
  return at == kTypes.end() ? DataType::kInvalid : at->ours;
}

Result<std::vector<MetaGraph>> ParseSavedModel(std::span<const std::byte> bytes) {
  std::vector<MetaGraph> graphs;
  SARAI_CHECK_OK(Each(bytes, [&](const Fields::Field& field) {
    if (field.number != kSavedModelGraphs) return Status();
    graphs.emplace_back();
    return ReadGraph(field.bytes, graphs.back());
  }));
  if (graphs.empty()) return Error(NoSavedModel());
  return graphs;
}

Result<MetaGraph> ChooseGraph(std::vector<MetaGraph> graphs, const std::string& tag) {
  const std::string wanted = tag.empty() ? "serve" : tag;
  std::vector<std::string> all;
  for (MetaGraph& graph : graphs) {
    if (std::ranges::find(graph.tags, wanted) != graph.tags.end()) return std::move(graph);
    all.push_back(Join(graph.tags, "+"));
  }
  if (tag.empty() && !graphs.empty()) return std::move(graphs.front());
  return Error(Code::kInvalidArgument,
               "parameter 'TF_GRAPH_TAG' is '{}', but the model's graphs have the tags: {}", tag,
               Join(all, ", "));
}

Result<GraphSignature> ChooseSignature(const MetaGraph& graph, const std::string& name) {
  const auto at = graph.signatures.find(name.empty() ? "serving_default" : name);
  if (at != graph.signatures.end()) return at->second;
  if (name.empty() && !graph.signatures.empty()) return graph.signatures.begin()->second;
  std::vector<std::string> all;
  for (const auto& [known, signature] : graph.signatures) all.push_back(known);
  if (all.empty())
    return Error(Code::kInvalidArgument, "the model has no signature: nothing in it can be called");
  return Error(Code::kInvalidArgument,
               "parameter 'TF_SIGNATURE_DEF' is '{}', but the model's signatures are: {}", name,
               Join(all, ", "));
}

}  // namespace sarai::backends::tensorflow
