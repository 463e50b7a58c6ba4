#include "backends/openvino/ov_graph.h"

#include <algorithm>
#include <map>
#include <openvino/core/preprocess/pre_post_process.hpp>
#include <utility>

#include "backends/common/framework_tensors.h"
#include "backends/openvino/ov_types.h"

namespace sarai::backends::openvino {
namespace {

using Port = ov::Output<const ov::Node>;

const TensorSpec* FindSpec(const std::vector<TensorSpec>& specs, const auto& port) {
  const auto at = std::ranges::find_if(
      specs, [&](const TensorSpec& spec) { return port.get_names().contains(spec.name); });
  return at == specs.end() ? nullptr : &*at;
}

void NameOutputs(ov::Model& model) {
  for (ov::Output<ov::Node>& output : model.outputs()) {
    if (!output.get_names().empty()) continue;
    const auto& source = output.get_node()->input_value(0);
    output.get_tensor().set_names({source.get_node()->get_friendly_name()});
  }
}

// The type to convert to, if the spec asks for another one and both are numbers.
ov::element::Type WantedType(const TensorSpec* spec, const auto& port) {
  const ov::element::Type own = port.get_element_type();
  if (spec == nullptr || spec->type == DataType::kInvalid) return own;
  const ov::element::Type wanted = ToOvType(spec->type);
  return own == ov::element::string || wanted == ov::element::dynamic ? own : wanted;
}

std::shared_ptr<ov::Model> ConvertTypes(std::shared_ptr<ov::Model> model, const ModelSpec& spec) {
  bool changes = false;
  ov::preprocess::PrePostProcessor steps(model);
  for (size_t i = 0; i < model->inputs().size(); ++i) {
    const auto port = model->input(i);
    const ov::element::Type type = WantedType(FindSpec(spec.inputs, port), port);
    if (type == port.get_element_type()) continue;
    steps.input(i).tensor().set_element_type(type);
    changes = true;
  }
  for (size_t i = 0; i < model->outputs().size(); ++i) {
    const auto port = model->output(i);
    const ov::element::Type type = WantedType(FindSpec(spec.outputs, port), port);
    if (type == port.get_element_type()) continue;
    steps.output(i).tensor().set_element_type(type);
    changes = true;
  }
  return changes ? steps.build() : model;
}

ov::PartialShape WantedShape(const ov::Output<ov::Node>& input, const ModelSpec& spec,
                             const ModelOptions& options) {
  ov::PartialShape shape = input.get_partial_shape();
  const TensorSpec* own = FindSpec(spec.inputs, input);
  if (options.reshape && own != nullptr) {
    const Shape dims = FrameworkDims(spec, *own);
    shape = ov::PartialShape(std::vector<ov::Dimension>(dims.begin(), dims.end()));
  }
  if (spec.max_batch_size > 0 && shape.rank().is_static() && shape.rank().get_length() > 0)
    shape[0] = options.fixed_batch ? ov::Dimension(spec.max_batch_size) : ov::Dimension::dynamic();
  return shape;
}

Status Reshape(ov::Model& model, const ModelSpec& spec, const ModelOptions& options) {
  std::map<size_t, ov::PartialShape> changed;
  for (size_t i = 0; i < model.inputs().size(); ++i) {
    const ov::PartialShape shape = WantedShape(model.input(i), spec, options);
    if (shape != model.input(i).get_partial_shape()) changed.emplace(i, shape);
  }
  if (changed.empty()) return {};
  try {
    model.reshape(changed);
    return {};
  } catch (const std::exception&) {
    std::string shapes;
    for (const auto& [index, shape] : changed)
      shapes += (shapes.empty() ? "" : ", ") + model.input(index).get_any_name() + " " +
                shape.to_string();
    return MakeStatus(Code::kInvalidArgument,
                      "the model cannot take inputs of the config's shapes ({}){}", shapes,
                      spec.max_batch_size > 0 && !options.fixed_batch
                          ? "; with SKIP_OV_DYNAMIC_BATCHSIZE the batch size stays fixed"
                          : "");
  }
}

Shape DimsOf(const ov::PartialShape& shape) {
  Shape dims;
  if (shape.rank().is_dynamic()) return dims;
  for (const ov::Dimension& dim : shape) dims.push_back(dim.is_static() ? dim.get_length() : -1);
  return dims;
}

Result<std::vector<TensorSpec>> SpecsOf(const std::vector<Port>& ports,
                                        const std::vector<TensorSpec>& wanted,
                                        int64_t fixed_batch) {
  std::vector<TensorSpec> specs;
  for (const Port& port : ports) {
    const TensorSpec* own = FindSpec(wanted, port);
    TensorSpec spec{.name = own == nullptr ? port.get_any_name() : own->name,
                    .type = FromOvType(port.get_element_type()),
                    .dims = DimsOf(port.get_partial_shape())};
    if (spec.type == DataType::kInvalid)
      return Error(Code::kUnimplemented, "'{}' has OpenVINO's type {}, which cannot be served",
                   spec.name, port.get_element_type().get_type_name());
    if (fixed_batch > 0 && !spec.dims.empty() && spec.dims[0] == fixed_batch) spec.dims[0] = -1;
    specs.push_back(std::move(spec));
  }
  return specs;
}

bool BeginsOpen(const TensorSpec& spec) { return !spec.dims.empty() && spec.dims[0] == -1; }

}  // namespace

Result<std::shared_ptr<ov::Model>> Adapt(std::shared_ptr<ov::Model> model, const ModelSpec& spec,
                                         const ModelOptions& options) {
  NameOutputs(*model);
  model = ConvertTypes(std::move(model), spec);
  SARAI_CHECK_OK(Reshape(*model, spec, options));
  return model;
}

Result<Signature> SignatureOf(const ov::Model& model, const ModelSpec& spec,
                              const ModelOptions& options) {
  const int64_t fixed_batch = options.fixed_batch ? spec.max_batch_size : 0;
  Signature signature;
  SARAI_TRY(signature.inputs, SpecsOf(model.inputs(), spec.inputs, fixed_batch));
  SARAI_TRY(signature.outputs, SpecsOf(model.outputs(), spec.outputs, fixed_batch));
  signature.first_dim_variable = !signature.inputs.empty() &&
                                 std::ranges::all_of(signature.inputs, BeginsOpen) &&
                                 std::ranges::all_of(signature.outputs, BeginsOpen);
  return signature;
}

}  // namespace sarai::backends::openvino
