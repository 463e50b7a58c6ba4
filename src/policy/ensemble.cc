#include "policy/ensemble.h"

#include <algorithm>
#include <map>
#include <ranges>

namespace sarai::policy {
namespace {

// A tensor as whoever named it first sees it, batch dimension included.
struct Seen {
  DataType type;
  Shape dims;
  Shape shape;
  std::string by;
};

using SeenByName = std::map<std::string, Seen, std::less<>>;

template <typename... Args>
Status Refuse(fmt::format_string<Args...> format, Args&&... args) {
  return MakeStatus(Code::kInvalidArgument, format, std::forward<Args>(args)...);
}

Seen See(const TensorSpec& tensor, int64_t max_batch_size, std::string by) {
  Shape shape = tensor.dims;
  if (max_batch_size > 0) shape.insert(shape.begin(), -1);
  return {tensor.type, tensor.dims, std::move(shape), std::move(by)};
}

bool Fits(const Shape& a, const Shape& b) {
  return std::ranges::equal(a, b, [](int64_t x, int64_t y) { return x == y || x < 0 || y < 0; });
}

std::string StepName(const EnsembleSpec& spec, size_t step) {
  return fmt::format("step {} (model '{}')", step, spec.steps[step].model);
}

Status CheckAgreement(SeenByName& seen, const std::string& name, Seen tensor) {
  const auto [it, is_new] = seen.try_emplace(name, tensor);
  if (is_new) return {};
  const Seen& other = it->second;
  if (other.type != tensor.type)
    return Refuse("tensor '{}' is {} to {}, but {} to {}", name, DataTypeName(other.type), other.by,
                  DataTypeName(tensor.type), tensor.by);
  if (!Fits(other.dims, tensor.dims) && !Fits(other.shape, tensor.shape))
    return Refuse("tensor '{}' has shape {} to {}, but {} to {}", name, ShapeText(other.shape),
                  other.by, ShapeText(tensor.shape), tensor.by);
  return {};
}

using Map = std::map<std::string, std::string>;

Status CheckMap(const Map& map, std::span<const TensorSpec> tensors, std::string_view kind,
                int64_t max_batch_size, const std::string& step, SeenByName& seen) {
  for (const auto& [own, name] : map) {
    const auto it = std::ranges::find(tensors, own, &TensorSpec::name);
    if (it == tensors.end()) return Refuse("{} has no {} '{}'", step, kind, own);
    SARAI_CHECK_OK(CheckAgreement(seen, name, See(*it, max_batch_size, step)));
  }
  return {};
}

Status CheckStep(const ModelSpec& ensemble, size_t index, const EnsembleMember& member,
                 SeenByName& seen) {
  if (!member.known) return {};
  const EnsembleStep& step = ensemble.ensemble->steps[index];
  const std::string name = StepName(*ensemble.ensemble, index);
  if (member.max_batch_size > 0 && ensemble.max_batch_size > member.max_batch_size)
    return Refuse("the ensemble's max_batch_size is {}, but {} allows only {}",
                  ensemble.max_batch_size, name, member.max_batch_size);
  for (const TensorSpec& input : member.inputs)
    if (!input.optional && !step.input_map.contains(input.name))
      return Refuse("{} does not map input '{}' in input_map", name, input.name);
  SARAI_CHECK_OK(
      CheckMap(step.input_map, member.inputs, "input", member.max_batch_size, name, seen));
  return CheckMap(step.output_map, member.outputs, "output", member.max_batch_size, name, seen);
}

// Who makes each tensor: the request or exactly one step.
Status CheckProducers(const ModelSpec& ensemble) {
  std::map<std::string, std::string> producer;
  for (const TensorSpec& input : ensemble.inputs) producer.emplace(input.name, "the request");
  for (size_t i = 0; i < ensemble.ensemble->steps.size(); ++i)
    for (const auto& [own, name] : ensemble.ensemble->steps[i].output_map) {
      const auto [it, is_new] = producer.try_emplace(name, StepName(*ensemble.ensemble, i));
      if (!is_new)
        return Refuse("tensor '{}' comes from {} and from {}; it can have one producer", name,
                      it->second, StepName(*ensemble.ensemble, i));
    }
  for (const TensorSpec& output : ensemble.outputs)
    if (!producer.contains(output.name)) return Refuse("no step produces output '{}'", output.name);
  return {};
}

// As in Triton: what is made for nobody is a mistake in a map's names.
Status CheckAllRead(const ModelSpec& ensemble) {
  const EnsembleSpec& spec = *ensemble.ensemble;
  std::set<std::string, std::less<>> read;
  for (const TensorSpec& output : ensemble.outputs) read.insert(output.name);
  for (const EnsembleStep& step : spec.steps)
    for (const auto& [own, name] : step.input_map) read.insert(name);
  for (const TensorSpec& input : ensemble.inputs)
    if (!read.contains(input.name))
      return Refuse("ensemble input '{}' is not used: no step reads it", input.name);
  for (size_t i = 0; i < spec.steps.size(); ++i)
    for (const auto& [own, name] : spec.steps[i].output_map)
      if (!read.contains(name))
        return Refuse(
            "ensemble tensor '{}' is unused: {} makes it, but no step reads it and it is "
            "no output",
            name, StepName(spec, i));
  return {};
}

EnsembleProgress::Tensors MadeBy(const EnsembleSpec& spec, const std::vector<size_t>& steps) {
  EnsembleProgress::Tensors made;
  for (const size_t step : steps)
    for (const auto& [own, name] : spec.steps[step].output_map) made.insert(name);
  return made;
}

constexpr size_t kFromRequest = SIZE_MAX;

// The decoupled step that each tensor comes from, seen from its reader; kFromRequest: none.
using Origins = std::map<std::string, size_t, std::less<>>;

// The one origin of all `names`.
template <typename Names>
Result<size_t> OriginOf(const Origins& origins, const Names& names, const std::string& reader) {
  const std::string* first = nullptr;
  for (const std::string& name : names) {
    if (first != nullptr && origins.at(name) != origins.at(*first))
      return Error(Code::kInvalidArgument,
                   "{} receives inputs originated from different decoupled models: '{}' and '{}' "
                   "are not answered together",
                   reader, *first, name);
    first = &name;
  }
  return first == nullptr ? kFromRequest : origins.at(*first);
}

// Responses of a decoupled step have no partner among those of another, nor in the request. Steps
// can all start, as CheckOrder says.
Status CheckOrigins(const ModelSpec& ensemble, std::span<const EnsembleMember> members) {
  const EnsembleSpec& spec = *ensemble.ensemble;
  EnsembleProgress progress(spec);
  EnsembleProgress::Tensors made;
  Origins origins;
  for (const TensorSpec& input : ensemble.inputs) {
    origins.emplace(input.name, kFromRequest);
    made.insert(input.name);
  }
  for (auto next = progress.Known(made); !next.empty(); next = progress.Known(made))
    for (const size_t step : next) {
      SARAI_TRY(
          const size_t origin,
          OriginOf(origins, std::views::values(spec.steps[step].input_map), StepName(spec, step)));
      for (const auto& [own, name] : spec.steps[step].output_map) {
        origins.emplace(name, members[step].decoupled ? step : origin);
        made.insert(name);
      }
    }
  SARAI_TRY([[maybe_unused]] const size_t origin,
            OriginOf(origins, ensemble.outputs | std::views::transform(&TensorSpec::name),
                     "the ensemble's answer"));
  return {};
}

// Runs the steps on paper; one that never starts reads what is never made, or waits for itself.
Status CheckOrder(const ModelSpec& ensemble) {
  const EnsembleSpec& spec = *ensemble.ensemble;
  EnsembleProgress progress(spec);
  EnsembleProgress::Tensors known;
  for (const TensorSpec& input : ensemble.inputs) known.insert(input.name);
  std::vector<bool> ran(spec.steps.size());
  for (auto next = progress.Known(known); !next.empty();) {
    for (const size_t step : next) ran[step] = true;
    const auto made = MadeBy(spec, next);
    known.insert(made.begin(), made.end());
    next = progress.Known(made);
  }
  for (size_t i = 0; i < ran.size(); ++i)
    for (const auto& [own, name] : spec.steps[i].input_map)
      if (!ran[i] && !known.contains(name))
        return Refuse(
            "{} can never start: its input '{}' reads tensor '{}', which nothing before "
            "it produces (the steps may form a cycle)",
            StepName(spec, i), own, name);
  return {};
}

}  // namespace

Status CheckEnsemble(const ModelSpec& ensemble, std::span<const EnsembleMember> members) {
  if (!ensemble.ensemble || ensemble.ensemble->steps.empty())
    return Refuse("ensemble_scheduling has no step; it needs one at least");
  if (members.size() != ensemble.ensemble->steps.size())
    return MakeStatus(Code::kInternal, "{} members for {} steps", members.size(),
                      ensemble.ensemble->steps.size());
  SARAI_CHECK_OK(CheckProducers(ensemble));
  SARAI_CHECK_OK(CheckOrder(ensemble));
  SeenByName seen;
  for (const auto* list : {&ensemble.inputs, &ensemble.outputs})
    for (const TensorSpec& tensor : *list)
      SARAI_CHECK_OK(
          CheckAgreement(seen, tensor.name, See(tensor, ensemble.max_batch_size, "the ensemble")));
  for (size_t i = 0; i < members.size(); ++i)
    SARAI_CHECK_OK(CheckStep(ensemble, i, members[i], seen));
  SARAI_CHECK_OK(CheckAllRead(ensemble));
  return CheckOrigins(ensemble, members);
}

std::vector<bool> NeededSteps(const ModelSpec& ensemble, const std::vector<std::string>& outputs) {
  const std::vector<EnsembleStep>& steps = ensemble.ensemble->steps;
  if (outputs.empty()) return std::vector<bool>(steps.size(), true);
  std::vector<bool> needed(steps.size());
  std::vector<std::string> open = outputs;
  while (!open.empty()) {
    const std::string tensor = std::move(open.back());
    open.pop_back();
    for (size_t i = 0; i < steps.size(); ++i) {
      const bool makes = std::ranges::any_of(
          steps[i].output_map, [&](const auto& entry) { return entry.second == tensor; });
      if (needed[i] || !makes) continue;
      needed[i] = true;
      for (const auto& [own, name] : steps[i].input_map) open.push_back(name);
    }
  }
  return needed;
}

Shape PassedOnShape(std::span<const int64_t> dims, bool batches, bool from_batching,
                    const Shape& shape) {
  if (batches == from_batching) return shape;
  const bool fits = Fits(Shape(dims.begin(), dims.end()), shape);
  Shape passed = shape;
  if (batches && fits) passed.insert(passed.begin(), 1);
  if (!batches && !fits && !shape.empty() && shape.front() == 1) passed.erase(passed.begin());
  return passed;
}

EnsembleProgress::EnsembleProgress(const EnsembleSpec& spec)
    : spec_(spec), started_(spec.steps.size()), waiting_(spec.steps.size()) {}

std::vector<size_t> EnsembleProgress::Known(const Tensors& tensors) {
  known_.insert(tensors.begin(), tensors.end());
  std::vector<size_t> next;
  for (size_t i = 0; i < started_.size(); ++i) {
    if (started_[i] || !CanStart(i)) continue;
    started_[i] = true;
    --waiting_;
    next.push_back(i);
  }
  return next;
}

bool EnsembleProgress::CanStart(size_t step) const {
  return std::ranges::all_of(spec_.steps[step].input_map,
                             [&](const auto& entry) { return known_.contains(entry.second); });
}

}  // namespace sarai::policy
