#include "telemetry/decision_log.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include <fmt/chrono.h>
#include <fmt/format.h>

namespace sarai::telemetry {
namespace {

void AppendJsonString(std::string& out, std::string_view text) {
  out += '"';
  for (char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      out += c;
    }
  }
  out += '"';
}

void AppendMember(std::string& out, std::string_view name, std::string_view text) {
  out += fmt::format(",\"{}\":", name);
  AppendJsonString(out, text);
}

// JSON has no infinities and no NaN.
std::string JsonNumber(double value) {
  return std::isfinite(value) ? fmt::format("{}", value) : "null";
}

std::string IsoTime(WallTime at) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(at);
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:06}Z",
                     fmt::gmtime(std::chrono::system_clock::to_time_t(seconds)),
                     (at - seconds).count());
}

}  // namespace

std::string_view DecisionKindName(DecisionKind kind) {
  switch (kind) {
    case DecisionKind::kMiss: return "miss";
    case DecisionKind::kFetch: return "fetch";
    case DecisionKind::kLoad: return "load";
    case DecisionKind::kUnload: return "unload";
    case DecisionKind::kEvict: return "evict";
    case DecisionKind::kDeleteFromDisk: return "delete_from_disk";
    case DecisionKind::kSwap: return "swap";
    case DecisionKind::kRefuse: return "refuse";
    case DecisionKind::kFail: return "fail";
    case DecisionKind::kStart: return "start";
    case DecisionKind::kStop: return "stop";
    case DecisionKind::kRoute: return "route";
  }
  return "unknown";
}

std::string DecisionJson(const Decision& decision) {
  std::string out =
      fmt::format("{{\"sequence\":{},\"at\":\"{}\",\"kind\":\"{}\"", decision.sequence,
                  IsoTime(decision.at), DecisionKindName(decision.kind));
  AppendMember(out, "model", decision.model);
  if (!decision.instance.empty()) AppendMember(out, "instance", decision.instance);
  AppendMember(out, "reason", decision.reason);
  out += ",\"numbers\":{";
  for (const auto& [name, value] : decision.numbers) {
    if (out.back() != '{') out += ',';
    AppendJsonString(out, name);
    out += ':' + JsonNumber(value);
  }
  return out + "}}";
}

DecisionLog::DecisionLog(size_t capacity, std::string file)
    : capacity_(std::max<size_t>(capacity, 1)) {
  if (!file.empty()) file_ = std::fopen(file.c_str(), "ae");
}

DecisionLog::~DecisionLog() {
  if (file_ != nullptr) std::fclose(file_);
}

uint64_t DecisionLog::Add(Decision decision) {
  std::lock_guard lock(mu_);
  decision.sequence = next_++;
  if (file_ != nullptr) {
    const std::string line = DecisionJson(decision) + "\n";
    std::fwrite(line.data(), 1, line.size(), file_);
    std::fflush(file_);
  }
  if (ring_.size() >= capacity_) ring_.pop_front();
  ring_.push_back(std::move(decision));
  return ring_.back().sequence;
}

std::vector<Decision> DecisionLog::Since(uint64_t since, std::string_view model) const {
  std::lock_guard lock(mu_);
  std::vector<Decision> result;
  // Sequence numbers have no gaps, so the place in the ring follows from them.
  const uint64_t oldest = next_ - ring_.size();
  for (size_t i = since < oldest ? 0 : since - oldest + 1; i < ring_.size(); ++i) {
    if (model.empty() || ring_[i].model == model) result.push_back(ring_[i]);
  }
  return result;
}

}  // namespace sarai::telemetry
