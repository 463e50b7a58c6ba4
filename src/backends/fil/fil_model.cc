#include "backends/fil/fil_model.h"

#include <algorithm>
#include <utility>

#include "backends/common/framework_tensors.h"
#include "backends/fil/outputs.h"

namespace sarai::backends::fil {
namespace {

constexpr char kInput[] = "input__0", kOutput[] = "output__0", kShap[] = "treeshap_output";
constexpr int64_t kOutputValuesMax = int64_t{1} << 31;  // of one run

const TensorSpec* Find(const std::vector<TensorSpec>& tensors, std::string_view name) {
  const auto at = std::ranges::find(tensors, name, &TensorSpec::name);
  return at == tensors.end() ? nullptr : &*at;
}

Tensor FloatTensor(std::string name, Shape shape, std::vector<float> values) {
  auto owner = std::make_shared<const std::vector<float>>(std::move(values));
  return {.name = std::move(name),
          .type = DataType::kFp32,
          .shape = std::move(shape),
          .data = Blob(owner, std::as_bytes(std::span(*owner)))};
}

}  // namespace

FilModel::FilModel(ForestPtr forest, const FilParameters& parameters, const ModelSpec& spec,
                   uint64_t memory_bytes)
    : forest_(std::move(forest)),
      parameters_(parameters),
      memory_bytes_(memory_bytes),
      spec_(spec),
      columns_(ScoreColumns(spec)) {
  signature_.inputs = {
      {.name = kInput, .type = DataType::kFp32, .dims = {-1, forest_->features()}}};
  signature_.outputs = {{.name = kOutput, .type = DataType::kFp32, .dims = {-1, columns_}}};
  signature_.first_dim_variable = true;
  // Only where the configuration asks for it: it takes longer than the prediction.
  const TensorSpec* const shap = Find(spec.outputs, kShap);
  if (shap == nullptr) return;
  Shape dims = {-1};  // in one row or one for each value, as the configuration likes
  if (shap->dims.size() == 2) dims.push_back(forest_->values());
  dims.push_back(shap->dims.size() == 2 ? forest_->features() + 1
                                        : forest_->values() * (forest_->features() + 1));
  signature_.outputs.push_back({.name = kShap, .type = DataType::kFp32, .dims = std::move(dims)});
}

// A binary classifier's scores are those of both classes, unless the configuration has room for
// one.
int64_t FilModel::ScoreColumns(const ModelSpec& spec) const {
  if (!parameters_.predict_proba) return parameters_.is_classifier ? 1 : forest_->values();
  if (forest_->values() > 1) return forest_->values();
  const TensorSpec* const output = Find(spec.outputs, kOutput);
  const bool one = output != nullptr && !output->dims.empty() && output->dims.back() == 1;
  return one ? 1 : 2;
}

Status FilModel::CheckTensor(const TensorSpec& asked, const std::vector<TensorSpec>& known) const {
  const TensorSpec* const found = Find(known, asked.name);
  if (found == nullptr)
    return MakeStatus(Code::kInvalidArgument,
                      "the config names a tensor '{}', which the model does not have; it has {}",
                      asked.name, QuotedNames(known));
  if (asked.type != DataType::kFp32)
    return MakeStatus(Code::kInvalidArgument, "the config says {} for '{}', but the model has FP32",
                      DataTypeName(asked.type), asked.name);
  const Shape dims = FrameworkDims(spec_, asked);
  if (DimsAgree(dims, found->dims)) return {};
  return MakeStatus(Code::kInvalidArgument,
                    "the config gives '{}' the shape {} (batch dimension included), but the model "
                    "has {}",
                    asked.name, ShapeText(dims), ShapeText(found->dims));
}

Status FilModel::Prepare(const ModelSpec& spec) {
  spec_ = spec;
  if (Find(spec.inputs, kInput) == nullptr)
    return MakeStatus(Code::kInvalidArgument, "the config lacks the model's input '{}'", kInput);
  for (const TensorSpec& input : FrameworkInputs(spec))
    SARAI_CHECK_OK(CheckTensor(input, signature_.inputs));
  for (const TensorSpec& output : FrameworkOutputs(spec))
    SARAI_CHECK_OK(CheckTensor(output, signature_.outputs));
  if (Find(spec.outputs, kShap) == nullptr) return {};
  // Whether the library has them shows best in a try.
  const std::vector<float> row(static_cast<size_t>(forest_->features()), 0.0F);
  std::vector<float> values(static_cast<size_t>(forest_->values() * (forest_->features() + 1)));
  return forest_->Contributions({row.data(), 1, forest_->features()}, values);
}

// The libraries read as many values as the model has features, whatever was sent.
Result<FilModel::RunRows> FilModel::RowsOf(const Tensor& input) const {
  SARAI_TRY(Shape shape, FrameworkShape(spec_, input));
  if (shape.empty() || shape.back() != forest_->features())
    return Error(Code::kInvalidArgument, "input '{}' has shape {}: the model has {} features",
                 input.name, ShapeText(shape), forest_->features());
  shape.pop_back();
  SARAI_TRY(const int64_t count, ElementCount(shape));
  const int64_t widest = std::max(columns_, forest_->values()) * (forest_->features() + 1);
  if (count > kOutputValuesMax / widest)
    return Error(Code::kInvalidArgument, "input '{}': {} rows are too many for one run", input.name,
                 count);
  RunRows run{.rows = {}, .leading = std::move(shape), .data = AlignedFor(input.type, input.data)};
  run.rows = {reinterpret_cast<const float*>(run.data.data()), count, forest_->features()};
  return run;
}

Result<std::vector<float>> FilModel::Scores(const Rows& rows) const {
  std::vector<float> scores(static_cast<size_t>(rows.count * forest_->values()));
  if (rows.count > 0) SARAI_CHECK_OK(forest_->Predict(rows, scores));
  if (parameters_.predict_proba)
    return columns_ == forest_->values() ? std::move(scores) : BothClasses(scores);
  if (!parameters_.is_classifier) return scores;
  return Classes(scores, forest_->values(), parameters_.threshold);
}

Result<Tensor> FilModel::Output(const RunRows& run, const std::string& name) const {
  const TensorSpec& known = *Find(signature_.outputs, name);
  Shape shape = run.leading;
  shape.insert(shape.end(), known.dims.begin() + 1, known.dims.end());
  if (name == kOutput) {
    SARAI_TRY(auto scores, Scores(run.rows));
    return FloatTensor(name, std::move(shape), std::move(scores));
  }
  std::vector<float> values(
      static_cast<size_t>(run.rows.count * forest_->values() * (forest_->features() + 1)));
  if (run.rows.count > 0) SARAI_CHECK_OK(forest_->Contributions(run.rows, values));
  return FloatTensor(name, std::move(shape), std::move(values));
}

Result<std::vector<Tensor>> FilModel::Execute(const std::vector<Tensor>& inputs,
                                              const ExecuteContext& context) {
  if (inputs.size() != 1)
    return Error(Code::kInvalidArgument, "{} inputs were given, but the model has one, '{}'",
                 inputs.size(), kInput);
  SARAI_TRY(const RunRows run, RowsOf(inputs.front()));
  std::vector<Tensor> outputs;
  for (const std::string& name : WantedOutputs(spec_, context.outputs)) {
    SARAI_TRY(Tensor output, Output(run, name));
    outputs.push_back(std::move(output));
  }
  return outputs;
}

}  // namespace sarai::backends::fil
