#include "telemetry/tracer.h"

#include <utility>

namespace sarai::telemetry {

Tracer::Tracer(Options options)
    : options_(std::move(options)),
      file_(options_.file.empty()
                ? nullptr
                : std::make_shared<TraceFile>(TraceFile::Options{
                      .path = options_.file, .max_waiting = options_.max_waiting})),
      table_{.start = options_.start} {
  any_ = table_.any();
}

std::string Tracer::KeyOf(const std::string& model) const {
  return table_.models.contains(model) ? model : std::string();
}

bool Tracer::Pick(const std::string& model, TraceValues& values) {
  std::lock_guard lock(mu_);
  values = table_.Of(model);
  if (values.level.off()) return false;
  Tally& tally = tallies_.try_emplace(KeyOf(model), Tally{.left = values.count}).first->second;
  if (tally.left == 0 || ++tally.seen % values.rate != 0) return false;
  if (tally.left > 0) --tally.left;
  return true;
}

TracePtr Tracer::Start(const std::string& model, std::string request_id, bool over_grpc) {
  TraceValues values;
  if (!any_.load(std::memory_order_relaxed) || !Pick(model, values)) return nullptr;
  auto options = std::make_shared<RequestTrace::Options>();
  options->timestamps = values.level.timestamps;
  options->tensors = values.level.tensors;
  options->sink = [file = file_, frequency = values.log_frequency](TraceRecord record) {
    if (file) file->Add(std::move(record), frequency);
  };
  options->make_child = [next = next_id_](const TraceRecord& parent) {
    return TraceRecord{.id = next->fetch_add(1),
                       .parent_id = parent.id,
                       .request_id = parent.request_id,
                       .over_grpc = parent.over_grpc};
  };
  TraceRecord record{.id = next_id_->fetch_add(1),
                     .model = model,
                     .request_id = std::move(request_id),
                     .over_grpc = over_grpc};
  return std::make_shared<RequestTrace>(std::move(record), std::move(options));
}

TraceSettingTexts Tracer::Settings(const std::string& model) const {
  TraceSettingTexts texts;
  {
    std::lock_guard lock(mu_);
    TraceValues values = table_.Of(model);
    if (const auto tally = tallies_.find(KeyOf(model)); tally != tallies_.end())
      values.count = tally->second.left;
    texts = TraceTexts(values);
  }
  texts["trace_file"] = {options_.file};
  texts["trace_mode"] = {"triton"};
  return texts;
}

Status Tracer::Update(const std::string& model, const TraceSettingTexts& changes) {
  if (changes.empty()) return {};
  std::lock_guard lock(mu_);
  SARAI_TRY(table_, UpdateTrace(table_, model, changes));
  // What changed counts from here on; a change of the server's is one for all that follow it.
  tallies_.erase(model);
  any_ = table_.any();
  return {};
}

void Tracer::Flush() {
  if (file_) file_->Flush();
}

uint64_t Tracer::dropped() const { return file_ ? file_->dropped() : 0; }

}  // namespace sarai::telemetry
