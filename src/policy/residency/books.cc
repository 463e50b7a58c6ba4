#include "policy/residency/books.h"

#include <algorithm>

#include "base/bytes.h"

namespace sarai::policy::residency {
namespace {

Bytes Budget(uint64_t bytes) {
  if (bytes == 0) return kUnbounded;
  return static_cast<Bytes>(std::min<uint64_t>(bytes, static_cast<uint64_t>(kUnbounded) - 1));
}

Bytes Scaled(Bytes bytes, double factor) {
  const double scaled = static_cast<double>(bytes) * std::max(factor, 0.0);
  return scaled >= static_cast<double>(kLargestModel) ? kLargestModel : static_cast<Bytes>(scaled);
}

std::string Size(Bytes bytes) {
  return FormatBytes(static_cast<uint64_t>(std::max<Bytes>(bytes, 0)));
}

// `held`: what the model itself has of the tier.
Status NeverFitsTier(std::string_view what, const Tier& tier, const Model& model, Bytes size,
                     Bytes held, std::string_view source) {
  const Bytes others_pinned = tier.pinned - (model.pinned ? held : 0);
  if (size <= tier.budget - others_pinned) return {};
  return MakeStatus(
      Code::kResourceExhausted,
      "model '{}' needs {} of {} ({}), more than can ever be free: the budget is {}, of which "
      "pinned models hold {}; raise the {} budget or unpin models",
      model.name, Size(size), what, source, Size(tier.budget), Size(others_pinned), what);
}

}  // namespace

Bytes ToBytes(uint64_t bytes) {
  return static_cast<Bytes>(std::min<uint64_t>(bytes, static_cast<uint64_t>(kLargestModel)));
}

Books::Books(const ResidencyOptions& options)
    : size_factor_(options.size_factor),
      load_peak_factor_(options.load_peak_factor),
      unpack_factor_(options.unpack_factor) {
  memory_.budget = Budget(options.memory_budget_bytes);
  disk_.budget = Budget(options.disk_budget_bytes);
}

void Books::Hold(Tier& tier, Model& model, Holding Model::* holding, Bytes bytes, bool leaving) {
  Holding& held = model.*holding;
  const auto book = [&](Bytes sign) {
    tier.held += sign * held.bytes;
    if (held.leaving) tier.leaving += sign * held.bytes;
    if (model.pinned) tier.pinned += sign * held.bytes;
  };
  book(-1);
  held = {bytes, leaving};
  book(+1);
}

void Books::FileState(Model& model, ModelState to) {
  // Models are counted by their own state; an absent one is not counted at all.
  if (model.state != ModelState::kAbsent) --counts_[static_cast<size_t>(model.state)];
  if (to != ModelState::kAbsent) ++counts_[static_cast<size_t>(to)];
  ready_.erase(&model);
  on_disk_.erase(&model);
  if (to == ModelState::kReady) ready_.insert(&model);
  if (to == ModelState::kOnDisk) on_disk_.insert(&model);
}

void Books::BookState(Model& model) {
  const Bytes files = model.deletable ? model.file_bytes : 0;
  switch (model.state) {
    case ModelState::kAbsent: Hold(disk_, model, &Model::disk, 0, false); return;
    case ModelState::kFetching: Hold(disk_, model, &Model::disk, DiskNeed(model), false); return;
    case ModelState::kOnDisk:
      Hold(memory_, model, &Model::memory, 0, false);
      Hold(disk_, model, &Model::disk, files, model.delete_next);
      return;
    case ModelState::kLoading:
      Hold(memory_, model, &Model::memory, MemoryNeed(model), false);
      return;
    case ModelState::kReady: Hold(memory_, model, &Model::memory, MemorySize(model), false); return;
    case ModelState::kDraining:
      Hold(memory_, model, &Model::memory, model.memory.bytes, true);
      return;
  }
}

void Books::Transition(Model& model, ModelState to, TimePoint now) {
  FileState(model, to);
  model.state = to;
  model.state_since = now;
  BookState(model);
}

void Books::SetFilesLeaving(Model& model) {
  Hold(disk_, model, &Model::disk, model.disk.bytes, true);
}

void Books::SetPinned(Model& model, bool pinned) {
  if (model.pinned == pinned) return;
  const Bytes sign = pinned ? 1 : -1;
  memory_.pinned += sign * model.memory.bytes;
  disk_.pinned += sign * model.disk.bytes;
  model.pinned = pinned;
}

void Books::Remove(Model& model) {
  FileState(model, ModelState::kAbsent);
  model.state = ModelState::kAbsent;
  Hold(memory_, model, &Model::memory, 0, false);
  Hold(disk_, model, &Model::disk, 0, false);
}

Bytes Books::MemorySize(const Model& model) const {
  if (model.measured_memory > 0) return model.measured_memory;
  const Bytes files = model.file_bytes > 0 ? model.file_bytes : model.download_bytes;
  return Scaled(files, size_factor_);
}

Bytes Books::MemoryNeed(const Model& model) const {
  const Bytes size = MemorySize(model);
  const Bytes with_peak = size + Scaled(model.file_bytes, load_peak_factor_);
  // A model whose peak is more than can ever be free is loaded alone, into all there is.
  const Bytes most = memory_.budget - memory_.pinned - memory_.overhead;
  return std::max(size, std::min(with_peak, most));
}

Bytes Books::DiskNeed(const Model& model) const {
  if (!model.deletable) return 0;
  if (model.file_bytes > 0) return model.file_bytes;
  const Bytes most = disk_.budget - disk_.pinned;
  return std::max(model.download_bytes,
                  std::min(Scaled(model.download_bytes, unpack_factor_), most));
}

Status Books::NeverFitsMemory(const Model& model) const {
  if (!memory_.bounded()) return {};
  return NeverFitsTier("memory", memory_, model, MemorySize(model), model.memory.bytes,
                       model.measured_memory > 0 ? "measured" : "estimated from its files");
}

Status Books::NeverFitsDisk(const Model& model) const {
  if (!disk_.bounded() || !model.deletable) return {};
  const bool unpacked = model.file_bytes > 0;
  return NeverFitsTier("disk", disk_, model, unpacked ? model.file_bytes : model.download_bytes,
                       model.disk.bytes, unpacked ? "unpacked" : "its archive alone");
}

Status Books::NeverFits(const Model& model) const {
  if (Status status = NeverFitsDisk(model); !status.ok()) return status;
  return NeverFitsMemory(model);
}

}  // namespace sarai::policy::residency
