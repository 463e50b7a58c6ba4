#include <array>
#include <optional>

#include "wire/modelconfig/backends.h"
#include "wire/modelconfig/validate.h"

namespace sarai::modelconfig {
namespace {

using inference::ModelConfig;

// A field that is not served, and how to see that a configuration uses it.
struct Unserved {
  std::string_view field;
  bool (*used)(const ModelConfig&);
};

// The usual name of the shared object says nothing new; any other asks for something special.
bool HasOwnRuntime(const ModelConfig& config) {
  return !config.runtime().empty() &&
         config.runtime() != fmt::format("libtriton_{}.so", config.backend());
}

constexpr std::array kUnserved = {
    Unserved{"model_repository_agents",
             [](const ModelConfig& c) { return c.model_repository_agents().agents_size() > 0; }},
    Unserved{"runtime", HasOwnRuntime},
};

// What only plans of TensorRT have; that backend checks them itself.
template <typename T>
std::optional<std::string_view> TensorRtFieldOf(const T& tensor) {
  if (tensor.is_shape_tensor()) return "is_shape_tensor";
  if (tensor.is_non_linear_format_io()) return "is_non_linear_format_io";
  return std::nullopt;
}

std::optional<std::string_view> TensorRtFieldOf(const inference::ModelInstanceGroup& group) {
  if (group.secondary_devices_size() > 0) return "secondary_devices";
  if (group.profile_size() > 0) return "profile";
  return std::nullopt;
}

template <typename List>
Status CheckTensorRtFields(const ModelConfig& config, std::string_view list, const List& elements) {
  if (config.backend() == "tensorrt") return {};
  for (const auto& element : elements)
    if (const auto field = TensorRtFieldOf(element); field.has_value())
      return MakeStatus(Code::kInvalidArgument,
                        "{} '{}' sets {}, which only models of backend 'tensorrt' have", list,
                        element.name(), *field);
  return {};
}

Status CheckOperations(const ModelConfig& config) {
  const auto& libraries = config.model_operations().op_library_filename();
  if (libraries.empty() || config.backend() == "onnxruntime") return {};
  return MakeStatus(Code::kInvalidArgument,
                    "it sets model_operations, which only models of backend 'onnxruntime' have");
}

}  // namespace

Status CheckSupported(const ModelConfig& config) {
  for (const Unserved& unserved : kUnserved)
    if (unserved.used(config))
      return MakeStatus(Code::kUnimplemented, "it sets {}, which is not served yet",
                        unserved.field);
  SARAI_CHECK_OK(CheckOperations(config));
  SARAI_CHECK_OK(CheckTensorRtFields(config, "input", config.input()));
  SARAI_CHECK_OK(CheckTensorRtFields(config, "output", config.output()));
  return CheckTensorRtFields(config, "instance_group", config.instance_group());
}

}  // namespace sarai::modelconfig
