#include <set>
#include <vector>

#include "types/tensor.h"
#include "wire/modelconfig/complete.h"
#include "wire/modelconfig/validate.h"

namespace sarai::modelconfig {
namespace {

Status CheckDims(std::span<const int64_t> dims) {
  if (dims.empty())
    return MakeStatus(Code::kInvalidArgument, "dims has no entry; a scalar is [1] with a reshape");
  for (const int64_t dim : dims)
    if (dim < 1 && dim != -1)
      return MakeStatus(Code::kInvalidArgument, "dims {} has {}: sizes are 1 and more, or -1",
                        ShapeText(dims), dim);
  return {};
}

// Products of the sizes between variable ones: [2,3,-1,4] -> 6, 4. Two shapes hold the same
// elements, whatever the variable sizes are, when these agree.
Result<std::vector<int64_t>> FixedParts(std::span<const int64_t> dims) {
  std::vector<int64_t> parts;
  size_t begin = 0;
  for (size_t i = 0; i <= dims.size(); ++i) {
    if (i < dims.size() && dims[i] != -1) continue;
    SARAI_TRY(const int64_t count, ElementCount(dims.subspan(begin, i - begin)));
    parts.push_back(count);
    begin = i + 1;
  }
  return parts;
}

Status CheckReshape(std::span<const int64_t> dims, std::span<const int64_t> shape) {
  for (const int64_t dim : shape)
    if (dim < 1 && dim != -1)
      return MakeStatus(Code::kInvalidArgument, "reshape {} has {}: sizes are 1 and more, or -1",
                        ShapeText(shape), dim);
  const auto before = FixedParts(dims);
  if (!before) return before.error();
  const auto after = FixedParts(shape);
  if (!after) return after.error();
  if (*before == *after) return {};
  return MakeStatus(Code::kInvalidArgument, "reshape {} does not hold as many elements as dims {}",
                    ShapeText(shape), ShapeText(dims));
}

template <ConfigTensor T>
Status CheckTensor(const T& tensor) {
  if (tensor.name().empty()) return MakeStatus(Code::kInvalidArgument, "it has no name");
  if (tensor.data_type() == inference::TYPE_INVALID ||
      !inference::DataType_IsValid(tensor.data_type()))
    return MakeStatus(Code::kInvalidArgument, "it has no data_type");
  const std::span<const int64_t> dims(tensor.dims().data(), tensor.dims_size());
  SARAI_CHECK_OK(CheckDims(dims));
  return tensor.has_reshape() ? CheckReshape(dims, FrameworkDims(tensor)) : Status();
}

Status CheckFormat(const inference::ModelInput& input) {
  if (input.format() == inference::ModelInput::FORMAT_NONE || input.dims_size() == 3) return {};
  return MakeStatus(Code::kInvalidArgument, "input '{}': format {} needs 3 dims, it has {}",
                    input.name(), inference::ModelInput::Format_Name(input.format()),
                    input.dims_size());
}

template <typename List>
Status CheckList(std::string_view kind, const List& tensors) {
  std::set<std::string_view> names;
  for (const auto& tensor : tensors) {
    const Status status = CheckTensor(tensor);
    if (!status.ok()) return status.WithContext(fmt::format("{} '{}'", kind, tensor.name()));
    if (!names.insert(tensor.name()).second)
      return MakeStatus(Code::kInvalidArgument, "{} '{}' is listed twice", kind, tensor.name());
  }
  return {};
}

}  // namespace

Status CheckTensors(const inference::ModelConfig& config) {
  SARAI_CHECK_OK(CheckList("input", config.input()));
  SARAI_CHECK_OK(CheckList("output", config.output()));
  for (const auto& input : config.input()) SARAI_CHECK_OK(CheckFormat(input));
  for (const auto& output : config.output())
    if (!output.label_filename().empty())
      SARAI_CHECK_OK(CheckFileName("label_filename", output.label_filename()));
  return {};
}

}  // namespace sarai::modelconfig
