// What a configuration leaves out and the framework tells; and whether the two agree.
#include "wire/modelconfig/complete.h"

#include <algorithm>
#include <functional>

#include "base/strings.h"
#include "wire/modelconfig/model_config.h"
#include "wire/modelconfig/ragged.h"
#include "wire/modelconfig/sequence.h"

namespace sarai::modelconfig {
namespace {

const TensorSpec* FindByName(const std::vector<TensorSpec>& tensors, std::string_view name) {
  const auto found = std::ranges::find(tensors, name, &TensorSpec::name);
  return found == tensors.end() ? nullptr : &*found;
}

// TorchScript has no names for most tensors: INPUT__0 and OUTPUT__1 count positions, which the
// backend itself checks when it prepares the model.
bool NamesByPosition(const inference::ModelConfig& config) { return config.backend() == "pytorch"; }

// True when the author counted the batch dimension into some dims: the model is not to batch.
template <typename List>
bool HasFullRank(const List& tensors, const std::vector<TensorSpec>& discovered) {
  return std::ranges::any_of(tensors, [&](const auto& tensor) {
    const TensorSpec* const found = FindByName(discovered, tensor.name());
    return found != nullptr && tensor.dims_size() > 0 &&
           FrameworkDims(tensor).size() == found->dims.size();
  });
}

void TurnOnDynamicBatching(inference::ModelConfig& config) {
  if (config.scheduling_choice_case() == inference::ModelConfig::SCHEDULING_CHOICE_NOT_SET)
    config.mutable_dynamic_batching();
}

void TurnOnBatching(inference::ModelConfig& config, const Discovered& discovered,
                    int default_size) {
  if (config.max_batch_size() != 0 || !discovered.first_dim_variable) return;
  if (HasFullRank(config.input(), discovered.inputs)) return;
  if (HasFullRank(config.output(), discovered.outputs)) return;
  int size = default_size;
  for (const int preferred : config.dynamic_batching().preferred_batch_size())
    size = std::max(size, preferred);
  config.set_max_batch_size(size);
  if (size > 1) TurnOnDynamicBatching(config);
}

// `is_schedulers`: those that no client gives or gets.
template <typename List>
void AddMissing(List& tensors, const std::vector<TensorSpec>& discovered,
                const std::function<bool(std::string_view)>& is_schedulers) {
  for (const TensorSpec& found : discovered) {
    if (is_schedulers(found.name)) continue;
    const bool listed = std::ranges::any_of(
        tensors, [&](const auto& tensor) { return tensor.name() == found.name; });
    if (!listed) tensors.Add()->set_name(found.name);
  }
}

// Errors of one tensor of the configuration.
class TensorCheck {
 public:
  TensorCheck(const inference::ModelConfig& config, std::string_view kind)
      : config_(config), kind_(kind) {}

  template <ConfigTensor T>
  Status Compare(const T& tensor, const TensorSpec& found) const {
    if (found.type != DataType::kInvalid &&
        static_cast<int>(found.type) != static_cast<int>(tensor.data_type()))
      return Refuse(tensor.name(), fmt::format("the configuration says {}, the model has TYPE_{}",
                                               inference::DataType_Name(tensor.data_type()),
                                               ConfigTypeName(found.type)));
    if (HasOwnBatchShape(config_, tensor.name())) return {};
    if (found.dims.empty() || Fits(FrameworkDims(tensor), found.dims)) return {};
    return Refuse(tensor.name(), DimsText(FrameworkDims(tensor), found.dims));
  }

  Status Unknown(std::string_view name, const std::vector<TensorSpec>& discovered) const {
    std::vector<std::string> names;
    for (const TensorSpec& tensor : discovered) names.push_back(tensor.name);
    return Refuse(name,
                  fmt::format("the model has none of that name; it has: {}", Join(names, ", ")));
  }

 private:
  bool batched() const { return config_.max_batch_size() > 0; }

  static std::string_view ConfigTypeName(DataType type) {
    return type == DataType::kBytes ? "STRING" : DataTypeName(type);
  }

  bool Fits(std::span<const int64_t> dims, const Shape& model) const {
    const size_t skip = batched() ? 1 : 0;
    if (dims.size() + skip != model.size() || (batched() && model[0] != -1)) return false;
    for (size_t i = 0; i < dims.size(); ++i)
      if (model[i + skip] != -1 && model[i + skip] != dims[i]) return false;
    return true;
  }

  std::string DimsText(std::span<const int64_t> dims, const Shape& model) const {
    if (!batched())
      return fmt::format("the configuration says dims {}, the model has {}", ShapeText(dims),
                         ShapeText(model));
    return fmt::format(
        "the configuration says dims {} behind a batch dimension (max_batch_size {}), the model "
        "has {}",
        ShapeText(dims), config_.max_batch_size(), ShapeText(model));
  }

  Status Refuse(std::string_view name, std::string_view reason) const {
    return MakeStatus(Code::kInvalidArgument, "model '{}': {} '{}': {}", config_.name(), kind_,
                      name, reason);
  }

  const inference::ModelConfig& config_;
  const std::string_view kind_;
};

template <typename List>
Status CompleteTensors(const inference::ModelConfig& config, List& tensors,
                       const std::vector<TensorSpec>& discovered, bool fill,
                       const TensorCheck& check) {
  for (auto& tensor : tensors) {
    const TensorSpec* const found = FindByName(discovered, tensor.name());
    if (found == nullptr) {
      if (NamesByPosition(config) || discovered.empty()) continue;
      return check.Unknown(tensor.name(), discovered);
    }
    if (fill) FillTensor(tensor, *found, config.max_batch_size() > 0);
    SARAI_CHECK_OK(check.Compare(tensor, *found));
  }
  return {};
}

void Fill(inference::ModelConfig& config, const Discovered& discovered, int default_size) {
  auto& inputs = *config.mutable_input();
  auto& outputs = *config.mutable_output();
  TurnOnBatching(config, discovered, default_size);
  // Where the author left tensors to the model, batching is left to it too.
  if ((inputs.empty() || outputs.empty()) && config.max_batch_size() > 1 &&
      discovered.first_dim_variable)
    TurnOnDynamicBatching(config);
  // A configuration may leave outputs out on purpose; an input it leaves out is needed all the
  // same.
  if (inputs.empty() || !NamesByPosition(config))
    AddMissing(inputs, discovered.inputs, [&](std::string_view name) {
      return IsSequenceInput(config, name) || IsBatchInput(config, name);
    });
  if (outputs.empty())
    AddMissing(outputs, discovered.outputs,
               [&](std::string_view name) { return IsSequenceOutput(config, name); });
}

}  // namespace

Status Complete(inference::ModelConfig& config, const Discovered& discovered,
                const Completion& completion) {
  if (completion.fill) Fill(config, discovered, completion.default_max_batch_size);
  SARAI_CHECK_OK(CompleteTensors(config, *config.mutable_input(), discovered.inputs,
                                 completion.fill, TensorCheck(config, "input")));
  return CompleteTensors(config, *config.mutable_output(), discovered.outputs, completion.fill,
                         TensorCheck(config, "output"));
}

}  // namespace sarai::modelconfig
