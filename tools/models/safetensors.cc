#include "safetensors.h"

#include <array>
#include <cstring>
#include <fstream>
#include <iterator>
#include <utility>

#include <boost/json.hpp>

namespace sarai::tools {
namespace {

namespace json = boost::json;

constexpr std::array<std::pair<std::string_view, DataType>, 13> kTypes = {{
    {"F32", DataType::kFp32},
    {"F64", DataType::kFp64},
    {"F16", DataType::kFp16},
    {"BF16", DataType::kBf16},
    {"I64", DataType::kInt64},
    {"I32", DataType::kInt32},
    {"I16", DataType::kInt16},
    {"I8", DataType::kInt8},
    {"U8", DataType::kUint8},
    {"BOOL", DataType::kBool},
    {"U16", DataType::kUint16},
    {"U32", DataType::kUint32},
    {"U64", DataType::kUint64},
}};

Result<DataType> ParseType(std::string_view name) {
  for (const auto& [known, type] : kTypes)
    if (known == name) return type;
  return Error(Code::kInvalidArgument, "unknown safetensors dtype '{}'", name);
}

Result<std::string_view> TypeName(DataType type) {
  for (const auto& [name, known] : kTypes)
    if (known == type) return name;
  return Error(Code::kInvalidArgument, "safetensors cannot hold {}", DataTypeName(type));
}

Result<Tensor> ParseTensor(std::string name, const json::object& row, const Blob& data) {
  Tensor tensor{.name = std::move(name)};
  SARAI_TRY(tensor.type, ParseType(row.at("dtype").as_string()));
  for (const json::value& dim : row.at("shape").as_array())
    tensor.shape.push_back(dim.to_number<int64_t>());
  const auto begin = row.at("data_offsets").as_array().at(0).to_number<size_t>();
  const auto end = row.at("data_offsets").as_array().at(1).to_number<size_t>();
  if (begin > end || end > data.size())
    return Error(Code::kDataLoss, "tensor '{}' lies outside the file", tensor.name);
  tensor.data = data.Slice(begin, end - begin);
  SARAI_CHECK_OK(CheckTensorBytes(tensor));
  return tensor;
}

Result<std::vector<Tensor>> ParseFile(const Blob& file) {
  uint64_t header_size = 0;
  if (file.size() < sizeof(header_size)) return Error(Code::kDataLoss, "too short");
  std::memcpy(&header_size, file.data(), sizeof(header_size));
  if (header_size > file.size() - sizeof(header_size))
    return Error(Code::kDataLoss, "the header is longer than the file");
  const json::value header = json::parse(file.text().substr(sizeof(header_size), header_size));
  const size_t data_begin = sizeof(header_size) + header_size;
  const Blob data = file.Slice(data_begin, file.size() - data_begin);
  std::vector<Tensor> tensors;
  for (const auto& [name, row] : header.as_object()) {
    if (name == "__metadata__") continue;
    SARAI_TRY(Tensor tensor, ParseTensor(std::string(name), row.as_object(), data));
    tensors.push_back(std::move(tensor));
  }
  return tensors;
}

}  // namespace

Result<std::vector<Tensor>> ReadSafetensors(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return Error(Code::kNotFound, "cannot open {}", path);
  std::string bytes((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  try {
    return ParseFile(Blob::FromString(std::move(bytes)));
  } catch (const std::exception& error) {
    return Error(Code::kDataLoss, "{}: {}", path, error.what());
  }
}

Status WriteSafetensors(const std::string& path, const std::vector<Tensor>& tensors) {
  json::object header;
  size_t at = 0;
  for (const Tensor& tensor : tensors) {
    const auto type = TypeName(tensor.type);
    if (!type) return type.error();
    header[tensor.name] = {{"dtype", *type},
                           {"shape", json::value_from(tensor.shape)},
                           {"data_offsets", {at, at + tensor.data.size()}}};
    at += tensor.data.size();
  }
  std::string text = json::serialize(header);
  text.resize((text.size() + 7) / 8 * 8, ' ');
  const uint64_t header_size = text.size();
  std::ofstream out(path, std::ios::binary);
  out.write(reinterpret_cast<const char*>(&header_size), sizeof(header_size));
  out << text;
  for (const Tensor& tensor : tensors)
    out.write(reinterpret_cast<const char*>(tensor.data.data()),
              static_cast<std::streamsize>(tensor.data.size()));
  out.flush();
  return out ? Status() : MakeStatus(Code::kInternal, "cannot write {}", path);
}

}  // namespace sarai::tools
