#include "tuning/space.h"

#include <algorithm>
#include <functional>
#include <optional>

#include <fmt/format.h>

#include "base/strings.h"

namespace sarai::tuning {
namespace {

using inference::ModelConfig;

// One thing that may be changed: its variants as words and as edits of a configuration.
struct Variant {
  std::string text;
  std::function<void(ModelConfig&)> apply;
};
using Dimension = std::vector<Variant>;

std::string Plural(int count, std::string_view noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

Dimension InstancesOf(const Space& space) {
  Dimension dimension;
  for (const int count : space.instances)
    dimension.push_back({Plural(count, "instance"), [count](ModelConfig& config) {
                           auto& groups = *config.mutable_instance_group();
                           inference::ModelInstanceGroup group;
                           if (!groups.empty()) group = groups[0];
                           group.set_count(count);
                           if (groups.empty()) group.set_kind(group.KIND_CPU);
                           groups.Clear();
                           *groups.Add() = std::move(group);
                         }});
  return dimension;
}

Variant NoBatches() {
  return {"no dynamic batching", [](ModelConfig& config) { config.clear_dynamic_batching(); }};
}

Variant Batches(int size, std::optional<uint64_t> delay_us) {
  std::string text = fmt::format("batches of {}", size);
  if (delay_us) text += fmt::format(" within {} us", *delay_us);
  return {std::move(text), [size, delay_us](ModelConfig& config) {
            auto& batching = *config.mutable_dynamic_batching();
            batching.clear_preferred_batch_size();
            batching.add_preferred_batch_size(size);
            if (delay_us) batching.set_max_queue_delay_microseconds(*delay_us);
          }};
}

// Of models whose requests can be batched: sequences and decoupled models choose for themselves.
Dimension BatchesOf(const Space& space, const ModelConfig& effective) {
  const bool batches = effective.max_batch_size() > 1 && !effective.has_sequence_batching() &&
                       !effective.model_transaction_policy().decoupled();
  Dimension dimension;
  if (!batches) return dimension;
  for (const int size : space.batch_sizes) {
    if (size <= 1) {
      dimension.push_back(NoBatches());
      continue;
    }
    if (size > effective.max_batch_size()) continue;
    if (space.queue_delays_us.empty()) dimension.push_back(Batches(size, std::nullopt));
    for (const uint64_t delay : space.queue_delays_us) dimension.push_back(Batches(size, delay));
  }
  return dimension;
}

void SetParameter(ModelConfig& config, const char* name, const std::string& value) {
  (*config.mutable_parameters())[name].set_string_value(value);
}

// The parameter that sets a run's threads, and whether it takes any number: a shared pool runs a
// model on all of its threads or on none.
struct ThreadParameter {
  const char* backend;
  const char* name;
  bool any_number;
};
constexpr ThreadParameter kThreadParameters[] = {
    {"onnxruntime", "intra_op_thread_count", false},
    {"openvino", "INFERENCE_NUM_THREADS", true},
};

Dimension ThreadsOf(const Space& space, const ModelConfig& effective) {
  const auto known = std::ranges::find_if(kThreadParameters, [&](const auto& parameter) {
    return effective.backend() == parameter.backend;
  });
  Dimension dimension;
  if (known == std::end(kThreadParameters)) return dimension;
  for (const int threads : space.threads) {
    if (threads > 1 && !known->any_number) continue;
    if (threads == 0)
      dimension.push_back({"threads of the backend's choice", [known](ModelConfig& config) {
                             config.mutable_parameters()->erase(known->name);
                           }});
    else
      dimension.push_back({Plural(threads, "thread"), [known, threads](ModelConfig& config) {
                             SetParameter(config, known->name, std::to_string(threads));
                           }});
  }
  return dimension;
}

Dimension PrecisionsOf(const Space& space, const ModelConfig& effective) {
  Dimension dimension;
  if (effective.backend() != "openvino") return dimension;
  for (const std::string& precision : space.precisions)
    dimension.push_back({precision, [precision](ModelConfig& config) {
                           SetParameter(config, "HINT_BF16", precision == "bf16" ? "YES" : "NO");
                         }});
  return dimension;
}

// Every way to choose one of each dimension; empty ones are no choice.
std::vector<std::vector<const Variant*>> Product(const std::vector<Dimension>& dimensions) {
  std::vector<std::vector<const Variant*>> choices = {{}};
  for (const Dimension& dimension : dimensions) {
    if (dimension.empty()) continue;
    std::vector<std::vector<const Variant*>> longer;
    for (const auto& choice : choices)
      for (const Variant& variant : dimension) {
        longer.push_back(choice);
        longer.back().push_back(&variant);
      }
    choices = std::move(longer);
  }
  return choices;
}

}  // namespace

Space DefaultSpace(int cores, int max_batch_size) {
  Space space{.instances = {1},
              .batch_sizes = {0},
              .queue_delays_us = {0, 500, 2000},
              .threads = {0, 1},
              .precisions = {}};
  for (int count = 2; count < cores; count *= 2) space.instances.push_back(count);
  if (cores > 1) space.instances.push_back(cores);
  for (int size = 4; size < max_batch_size && size < 64; size *= 4)
    space.batch_sizes.push_back(size);
  if (max_batch_size > 1) space.batch_sizes.push_back(max_batch_size);
  return space;
}

Result<std::vector<Candidate>> Candidates(const ModelConfig& given, const ModelConfig& effective,
                                          const Space& space, size_t most) {
  if (effective.has_ensemble_scheduling())
    return Error(Code::kInvalidArgument,
                 "'{}' is an ensemble, which has no instances of its own: tune its steps",
                 effective.name());
  const std::vector<Dimension> dimensions = {InstancesOf(space), BatchesOf(space, effective),
                                             ThreadsOf(space, effective),
                                             PrecisionsOf(space, effective)};
  size_t count = 1;
  for (const Dimension& dimension : dimensions) count *= std::max<size_t>(dimension.size(), 1);
  if (count > most)
    return Error(Code::kInvalidArgument, "{} configurations are more than {}: give shorter lists",
                 count, most);
  std::vector<Candidate> candidates = {{"as it is", given}};
  if (std::ranges::all_of(dimensions, &Dimension::empty)) return candidates;
  for (const auto& choice : Product(dimensions)) {
    Candidate candidate{"", given};
    std::vector<std::string> words;
    for (const Variant* variant : choice) {
      variant->apply(candidate.config);
      words.push_back(variant->text);
    }
    candidate.text = Join(words, ", ");
    candidates.push_back(std::move(candidate));
  }
  return candidates;
}

}  // namespace sarai::tuning
