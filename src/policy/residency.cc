#include "policy/residency.h"

#include "policy/residency/impl.h"

namespace sarai::policy {
namespace {

uint64_t Unsigned(Bytes bytes) { return static_cast<uint64_t>(bytes); }

}  // namespace

Residency::Residency(ResidencyOptions options) : impl_(std::make_unique<Impl>(options)) {}
Residency::~Residency() = default;

void Residency::Add(const std::string& id, const Known& known) { impl_->Add(id, known); }

ResidencyActions Residency::Retire(const std::string& id, Status why, TimePoint now) {
  ResidencyActions actions;
  if (Model* model = impl_->Find(id)) impl_->Retire(*model, std::move(why), now, actions);
  return actions;
}

Residency::RequestOutcome Residency::OnRequest(const std::string& id, TimePoint now,
                                               ResidencyActions& actions) {
  return impl_->Request(id, now, actions);
}

ResidencyActions Residency::OnWanted(const std::string& id, TimePoint now) {
  ResidencyActions actions;
  if (Model* model = impl_->Find(id)) impl_->Want(*model, now, actions);
  return actions;
}

ResidencyActions Residency::OnFetched(const std::string& id, Result<Fetched> result,
                                      TimePoint now) {
  ResidencyActions actions;
  if (Model* model = impl_->Find(id)) impl_->Fetched(*model, std::move(result), now, actions);
  return actions;
}

ResidencyActions Residency::OnLoaded(const std::string& id, Result<Loaded> result, TimePoint now) {
  ResidencyActions actions;
  if (Model* model = impl_->Find(id)) impl_->Loaded(*model, std::move(result), now, actions);
  return actions;
}

ResidencyActions Residency::OnUnloaded(const std::string& id, TimePoint now) {
  ResidencyActions actions;
  if (Model* model = impl_->Find(id)) impl_->Unloaded(*model, now, actions);
  return actions;
}

ResidencyActions Residency::OnDeleted(const std::string& id, TimePoint now) {
  ResidencyActions actions;
  if (Model* model = impl_->Find(id)) impl_->Deleted(*model, now, actions);
  return actions;
}

ResidencyActions Residency::OnLost(const std::string& id, TimePoint now) {
  ResidencyActions actions;
  if (Model* model = impl_->Find(id)) impl_->Lost(*model, now, actions);
  return actions;
}

ResidencyActions Residency::OnUnloadWanted(const std::string& id, const std::string& why,
                                           TimePoint now) {
  ResidencyActions actions;
  Model* model = impl_->Find(id);
  if (model == nullptr || model->state != ModelState::kReady) return actions;
  impl_->StartUnload(*model, WhyUnload(*model, why), now, actions);
  return actions;
}

ResidencyActions Residency::OnOverhead(uint64_t bytes, TimePoint now) {
  ResidencyActions actions;
  impl_->books.SetOverhead(residency::ToBytes(bytes));
  impl_->Serve(now, actions);
  return actions;
}

void Residency::OnUsage(const std::string& id, const ModelUsage& usage, TimePoint now) {
  if (Model* model = impl_->Find(id)) impl_->Usage(*model, usage, now);
}

ResidencyActions Residency::OnTick(TimePoint now) {
  ResidencyActions actions;
  impl_->Tick(now, actions);
  return actions;
}

std::optional<TimePoint> Residency::WakeAt() const {
  std::optional<TimePoint> wake = impl_->waiting.NextDeadline();
  if (impl_->short_of_room || !impl_->retiring_in_use.empty()) {
    const TimePoint retry = impl_->served_at + impl_->options.room_retry;
    wake = wake ? std::min(*wake, retry) : retry;
  }
  return wake;
}

ModelState Residency::state(const std::string& id) const {
  const Model* model = impl_->Find(id);
  return model == nullptr ? ModelState::kAbsent : model->state;
}

ResidencyTotals Residency::totals() const {
  const Books& books = impl_->books;
  return {.memory_used_bytes = Unsigned(books.memory().held),
          .memory_overhead_bytes = Unsigned(books.memory().overhead),
          .disk_used_bytes = Unsigned(books.disk().held),
          .ready = books.count(ModelState::kReady),
          .loading = books.count(ModelState::kLoading),
          .fetching = books.count(ModelState::kFetching),
          .draining = books.count(ModelState::kDraining),
          .on_disk = books.count(ModelState::kOnDisk),
          .waiting = impl_->waiting.total()};
}

std::optional<Residency::Row> Residency::row(const std::string& id, TimePoint now) const {
  const Model* model = impl_->Find(id);
  if (model == nullptr) return std::nullopt;
  return impl_->RowOf(*model, now);
}

std::vector<Residency::Row> Residency::rows(TimePoint now) const {
  std::vector<Row> result;
  result.reserve(impl_->models.size());
  for (const auto& [id, model] : impl_->models) result.push_back(impl_->RowOf(*model, now));
  return result;
}

Residency::Row Residency::Impl::RowOf(const Model& model, TimePoint now) const {
  const bool has_files = model.state != ModelState::kAbsent && model.state != ModelState::kFetching;
  return {.id = model.id,
          .state = model.state,
          .memory_bytes = Unsigned(model.memory.bytes),
          .disk_bytes = Unsigned(has_files ? model.file_bytes : model.disk.bytes),
          .worth = model.state == ModelState::kReady ? worth.InMemory(model, now)
                                                     : worth.OnDisk(model, now),
          .pinned = model.pinned,
          .waiting = static_cast<uint32_t>(model.waiting.size())};
}

}  // namespace sarai::policy
