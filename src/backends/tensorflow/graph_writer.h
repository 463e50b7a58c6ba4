// SavedModels for tests, written by hand: protobuf messages put together field by field.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "types/tensor.h"

namespace sarai::backends::tensorflow {

// One protobuf message.
class Message {
 public:
  Message& Number(uint32_t field, int64_t value) {
    Varint(uint64_t{field} << 3);
    Varint(static_cast<uint64_t>(value));
    return *this;
  }
  Message& Text(uint32_t field, std::string_view text) {
    Varint((uint64_t{field} << 3) | 2);
    Varint(text.size());
    bytes_ += text;
    return *this;
  }
  Message& Add(uint32_t field, const Message& message) { return Text(field, message.bytes_); }
  // An entry of a map.
  Message& Put(uint32_t field, std::string_view key, const Message& value) {
    return Add(field, Message().Text(1, key).Add(2, value));
  }
  const std::string& bytes() const { return bytes_; }

 private:
  void Varint(uint64_t value) {
    for (; value >= 0x80; value >>= 7) bytes_ += static_cast<char>(value | 0x80);
    bytes_ += static_cast<char>(value);
  }

  std::string bytes_;
};

inline constexpr int kFloat = 1, kInt32 = 3, kString = 7;  // of types.proto

inline Message ShapeOf(const Shape& dims) {
  Message shape;
  for (const int64_t dim : dims) shape.Add(2, Message().Number(1, dim));
  return shape;
}
inline Message TypeAttribute(int type) { return Message().Number(6, type); }

// One operation of a graph.
class Node {
 public:
  Node(std::string_view name, std::string_view operation,
       const std::vector<std::string>& inputs = {}) {
    message_.Text(1, name).Text(2, operation);
    for (const std::string& input : inputs) message_.Text(3, input);
  }
  Node& With(std::string_view attribute, const Message& value) {
    message_.Put(5, attribute, value);
    return *this;
  }
  const Message& message() const { return message_; }

  static Node Placeholder(std::string_view name, int type, const Shape& dims) {
    return Node(name, "Placeholder")
        .With("dtype", TypeAttribute(type))
        .With("shape", Message().Add(7, ShapeOf(dims)));
  }
  static Node Floats(std::string_view name, const Shape& dims, std::span<const float> values) {
    const std::string_view content(reinterpret_cast<const char*>(values.data()),
                                   values.size_bytes());
    const Message tensor = Message().Number(1, kFloat).Add(2, ShapeOf(dims)).Text(4, content);
    return Node(name, "Const")
        .With("dtype", TypeAttribute(kFloat))
        .With("value", Message().Add(8, tensor));
  }

 private:
  Message message_;
};

struct SignatureTensor {
  std::string name, place;  // "x", "placeholder:0"
  int type = kFloat;
  Shape dims;
};

inline Message SignatureMessage(const std::vector<SignatureTensor>& inputs,
                                const std::vector<SignatureTensor>& outputs) {
  const auto info = [](const SignatureTensor& tensor) {
    return Message().Text(1, tensor.place).Number(2, tensor.type).Add(3, ShapeOf(tensor.dims));
  };
  Message signature;
  for (const SignatureTensor& input : inputs) signature.Put(1, input.name, info(input));
  for (const SignatureTensor& output : outputs) signature.Put(2, output.name, info(output));
  return signature;
}

// The contents of saved_model.pb with one graph.
inline std::string SavedModelBytes(const std::vector<Node>& nodes,
                                   const std::vector<std::pair<std::string, Message>>& signatures,
                                   const std::string& tag = "serve") {
  constexpr int64_t kProducer = 1000;  // of graphs that TensorFlow 2 wrote
  Message graph;
  for (const Node& node : nodes) graph.Add(1, node.message());
  graph.Add(4, Message().Number(1, kProducer));
  Message meta;
  meta.Add(1, Message().Text(4, tag)).Add(2, graph);
  for (const auto& [name, signature] : signatures) meta.Put(5, name, signature);
  return Message().Number(1, 1).Add(2, meta).bytes();
}

}  // namespace sarai::backends::tensorflow
