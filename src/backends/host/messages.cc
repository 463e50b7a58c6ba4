#include "backends/host/messages.h"

#include <cstring>
#include <string>
#include <utility>

namespace sarai::backends::host {
namespace {

size_t Align(size_t bytes) {
  return (bytes + kTensorAlignment - 1) / kTensorAlignment * kTensorAlignment;
}

void WriteShape(Writer& writer, const Shape& shape) {
  writer.Each(shape, [&](int64_t dim) { writer.Number(dim); });
}

Shape ReadShape(Reader& reader) {
  Shape shape;
  reader.Each([&] { shape.push_back(reader.Number<int64_t>()); });
  return shape;
}

void WriteType(Writer& writer, DataType type) { writer.Number(static_cast<uint8_t>(type)); }

DataType ReadType(Reader& reader) {
  const auto number = reader.Number<uint8_t>();
  if (number > static_cast<uint8_t>(DataType::kBf16)) reader.Fail();
  return reader.ok() ? static_cast<DataType>(number) : DataType::kInvalid;
}

void WriteSpecs(Writer& writer, const std::vector<TensorSpec>& specs) {
  writer.Each(specs, [&](const TensorSpec& spec) {
    writer.Text(spec.name);
    WriteType(writer, spec.type);
    WriteShape(writer, spec.dims);
    writer.Number<uint8_t>(spec.optional ? 1 : 0);
  });
}

std::vector<TensorSpec> ReadSpecs(Reader& reader) {
  std::vector<TensorSpec> specs;
  reader.Each([&] {
    TensorSpec spec;
    spec.name = reader.Text();
    spec.type = ReadType(reader);
    spec.dims = ReadShape(reader);
    spec.optional = reader.Number<uint8_t>() != 0;
    specs.push_back(std::move(spec));
  });
  return specs;
}

bool HasRightSize(const Tensor& tensor) {
  const auto count = ElementCount(tensor.shape);
  const size_t element = ElementSize(tensor.type);
  if (!count) return false;
  if (element == 0) return tensor.type == DataType::kBytes;  // its user looks inside
  return tensor.data.size() % element == 0 &&
         tensor.data.size() / element == static_cast<uint64_t>(*count);
}

}  // namespace

size_t DataBegin(size_t message_bytes) { return Align(message_bytes); }

void WriteStatus(Writer& writer, const Status& status) {
  writer.Number<uint8_t>(status.ok() ? 1 : 0);
  if (status.ok()) return;
  writer.Number(static_cast<uint8_t>(status.code()));
  writer.Text(status.message());
}

Status ReadStatus(Reader& reader) {
  if (reader.Number<uint8_t>() == 1) return {};
  const auto code = reader.Number<uint8_t>();
  if (code > static_cast<uint8_t>(Code::kInternal)) reader.Fail();
  std::string message = reader.Text();
  if (!reader.ok()) return Status(Code::kInternal, "the message is cut short");
  return Status(static_cast<Code>(code), std::move(message));
}

void WriteSpec(Writer& writer, const ModelSpec& spec) {
  for (const std::string* text :
       {&spec.name, &spec.version, &spec.backend, &spec.platform, &spec.directory, &spec.artifact})
    writer.Text(*text);
  writer.Number(spec.max_batch_size);
  writer.Number<int64_t>(spec.instance_count);
  // Over there it matters what the framework is given, not who gives it.
  WriteSpecs(writer, FrameworkInputs(spec));
  WriteSpecs(writer, FrameworkOutputs(spec));
  writer.Each(spec.reshape, [&](const auto& entry) {
    writer.Text(entry.first);
    WriteShape(writer, entry.second);
  });
  writer.Each(spec.parameters, [&](const auto& entry) {
    writer.Text(entry.first);
    writer.Text(entry.second);
  });
  writer.Number<int64_t>(spec.optimization.graph_level.value_or(0));
  writer.Each(spec.operation_libraries, [&](const std::string& file) { writer.Text(file); });
}

ModelSpec ReadSpec(Reader& reader) {
  ModelSpec spec;
  for (std::string* text :
       {&spec.name, &spec.version, &spec.backend, &spec.platform, &spec.directory, &spec.artifact})
    *text = reader.Text();
  spec.max_batch_size = reader.Number<int64_t>();
  spec.instance_count = static_cast<int>(reader.Number<int64_t>());
  spec.inputs = ReadSpecs(reader);
  spec.outputs = ReadSpecs(reader);
  reader.Each([&] {
    std::string name = reader.Text();
    spec.reshape[std::move(name)] = ReadShape(reader);
  });
  reader.Each([&] {
    std::string name = reader.Text();
    spec.parameters[std::move(name)] = reader.Text();
  });
  spec.optimization.graph_level = static_cast<int>(reader.Number<int64_t>());
  reader.Each([&] { spec.operation_libraries.push_back(reader.Text()); });
  return spec;
}

void WriteSignature(Writer& writer, const Signature& signature) {
  WriteSpecs(writer, signature.inputs);
  WriteSpecs(writer, signature.outputs);
  writer.Number<uint8_t>(signature.first_dim_variable ? 1 : 0);
}

Signature ReadSignature(Reader& reader) {
  Signature signature;
  signature.inputs = ReadSpecs(reader);
  signature.outputs = ReadSpecs(reader);
  signature.first_dim_variable = reader.Number<uint8_t>() != 0;
  return signature;
}

size_t WriteTensors(Writer& writer, const std::vector<Tensor>& tensors) {
  size_t offset = 0;
  writer.Each(tensors, [&](const Tensor& tensor) {
    writer.Text(tensor.name);
    WriteType(writer, tensor.type);
    WriteShape(writer, tensor.shape);
    writer.Number<uint64_t>(offset);
    writer.Number<uint64_t>(tensor.data.size());
    offset += Align(tensor.data.size());
  });
  return offset;
}

void CopyData(const std::vector<Tensor>& tensors, std::span<std::byte> data) {
  size_t offset = 0;
  for (const Tensor& tensor : tensors) {
    if (!tensor.data.empty())
      std::memcpy(data.data() + offset, tensor.data.data(), tensor.data.size());
    offset += Align(tensor.data.size());
  }
}

std::vector<Tensor> ReadTensors(Reader& reader, const Blob& data) {
  std::vector<Tensor> tensors;
  reader.Each([&] {
    Tensor tensor;
    tensor.name = reader.Text();
    tensor.type = ReadType(reader);
    tensor.shape = ReadShape(reader);
    const auto offset = reader.Number<uint64_t>();
    const auto size = reader.Number<uint64_t>();
    if (offset > data.size() || size > data.size() - offset) return reader.Fail();
    tensor.data = data.Slice(offset, size);
    if (!HasRightSize(tensor)) return reader.Fail();
    tensors.push_back(std::move(tensor));
  });
  return tensors;
}

}  // namespace sarai::backends::host
