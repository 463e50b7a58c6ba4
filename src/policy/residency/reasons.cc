#include "policy/residency/reasons.h"

#include <fmt/format.h>

#include "base/bytes.h"

namespace sarai::policy::residency {
namespace {

double Number(Bytes bytes) { return static_cast<double>(bytes); }

std::string FreeText(const Tier& tier) {
  if (!tier.bounded()) return "no bound";
  return fmt::format("{} of {} free", BytesText(tier.Free()), BytesText(tier.budget));
}

void AddTier(Decision& decision, const Tier& tier) {
  if (!tier.bounded()) return;
  decision.numbers["free_bytes"] = Number(tier.Free());
  decision.numbers["budget_bytes"] = Number(tier.budget);
}

std::string ShortageText(const Shortage& shortage) {
  if (shortage.for_model == nullptr) {
    return fmt::format("the budget is exceeded by {}", BytesText(shortage.need));
  }
  return fmt::format("'{}' needs {}, {} free", shortage.for_model->name, BytesText(shortage.need),
                     BytesText(shortage.free));
}

Decision Evicted(DecisionKind kind, const Candidate& victim, const Shortage& shortage) {
  Decision decision{.kind = kind};
  decision.reason = fmt::format(
      "{}: gives {}, worth {:.3g} s/h·GiB, among the least of {} that may go",
      ShortageText(shortage), BytesText(victim.bytes), victim.worth, shortage.candidates);
  decision.numbers = {{"need_bytes", Number(shortage.need)},
                      {"free_bytes", Number(shortage.free)},
                      {"victim_bytes", Number(victim.bytes)},
                      {"worth", victim.worth},
                      {"candidates", static_cast<double>(shortage.candidates)}};
  return decision;
}

// "is being loaded", or why it is not.
std::string Progress(const Model& model, const Books& books, TimePoint now) {
  const double seconds = std::chrono::duration<double>(now - model.state_since).count();
  switch (model.state) {
    case ModelState::kAbsent:
      return fmt::format("waits to be fetched: needs {} of disk, {}",
                         BytesText(books.DiskNeed(model)), FreeText(books.disk()));
    case ModelState::kFetching: return fmt::format("is being fetched for {:.1f} s so far", seconds);
    case ModelState::kOnDisk:
      if (model.deleting) return "is being deleted from disk first";
      return fmt::format(
          "waits to be loaded: needs {} of memory, {} ({} on its way out, {} overhead)",
          BytesText(books.MemoryNeed(model)), FreeText(books.memory()),
          BytesText(books.memory().leaving), BytesText(books.memory().overhead));
    case ModelState::kLoading: return fmt::format("is being loaded for {:.1f} s so far", seconds);
    case ModelState::kDraining: return "is being unloaded first";
    case ModelState::kReady: return "is ready";
  }
  return "is in no known state";
}

}  // namespace

std::string BytesText(Bytes bytes) {
  if (bytes < 0) return "-" + FormatBytes(static_cast<uint64_t>(-bytes));
  return bytes >= kUnbounded / 2 ? "unbounded" : FormatBytes(static_cast<uint64_t>(bytes));
}

Decision WhyFetch(const Model& model, const Books& books) {
  const Bytes need = books.DiskNeed(model);
  Decision decision{.kind = DecisionKind::kFetch};
  decision.reason =
      fmt::format("not on disk: needs {}, {}", need > 0 ? BytesText(need) : "an unknown size",
                  FreeText(books.disk()));
  decision.numbers["need_bytes"] = Number(need);
  AddTier(decision, books.disk());
  return decision;
}

Decision WhyLoad(const Model& model, const Books& books) {
  const Bytes need = books.MemoryNeed(model);
  const Bytes size = books.MemorySize(model);
  Decision decision{.kind = DecisionKind::kLoad};
  decision.reason =
      fmt::format("needs {} ({} {} and {} while it loads), {}", BytesText(need), BytesText(size),
                  model.measured_memory > 0 ? "measured" : "estimated", BytesText(need - size),
                  FreeText(books.memory()));
  decision.numbers = {{"need_bytes", Number(need)}, {"size_bytes", Number(size)}};
  AddTier(decision, books.memory());
  return decision;
}

Decision WhyEvict(const Candidate& victim, const Shortage& shortage) {
  return Evicted(DecisionKind::kEvict, victim, shortage);
}

Decision WhyDelete(const Candidate& victim, const Shortage& shortage) {
  return Evicted(DecisionKind::kDeleteFromDisk, victim, shortage);
}

Decision WhyUnload(const Model& model, std::string_view why) {
  Decision decision{.kind = DecisionKind::kUnload, .reason = std::string(why)};
  decision.numbers = {{"memory_bytes", Number(model.memory.bytes)},
                      {"in_flight", static_cast<double>(model.in_flight)}};
  return decision;
}

Decision WhyReclaim(const Model& model) {
  Decision decision{.kind = DecisionKind::kDeleteFromDisk};
  decision.reason = "retired: " + (model.retiring ? model.retiring->why.message() : std::string());
  decision.numbers["disk_bytes"] = Number(model.disk.bytes);
  return decision;
}

Decision WhyAdmit(const Model& model, uint32_t count) {
  const double load_ms = Milliseconds(model.load_time);
  Decision decision{.kind = DecisionKind::kStart};
  decision.reason = fmt::format("ready after {:.1f} ms, {} measured: {} waiting requests go on",
                                load_ms, BytesText(model.memory.bytes), count);
  decision.numbers = {{"load_ms", load_ms},
                      {"memory_bytes", Number(model.memory.bytes)},
                      {"waiting", static_cast<double>(count)}};
  return decision;
}

Decision WhyFail(const Model& model, uint32_t count, const Status& status) {
  Decision decision{.kind = DecisionKind::kFail, .reason = status.ToString()};
  decision.numbers = {{"waiting", static_cast<double>(count)},
                      {"still_waiting", static_cast<double>(model.waiting.size())}};
  return decision;
}

Status WaitEnded(const Model& model, const Books& books, Duration wait_budget, TimePoint now) {
  return MakeStatus(
      Code::kDeadlineExceeded, "model '{}' was not ready within {:.1f} s: it {}; try again",
      model.name, std::chrono::duration<double>(wait_budget).count(), Progress(model, books, now));
}

}  // namespace sarai::policy::residency
