#include "control/metrics/metric_recorder.h"

#include <cctype>
#include <cmath>

#include <fmt/format.h>

namespace sarai::control {
namespace {

constexpr std::string_view kGaugeNamespace = "/aws/sagemaker/Endpoints";

bool IsGauge(const MetricSeries& series) { return series.id.name_space == kGaugeNamespace; }

// "ModelLoadingTime" -> "model_loading_time", "CPUUtilization" -> "cpu_utilization",
// "Invocation4XXErrors" -> "invocation4_xx_errors" would be odd: digits keep with what follows.
std::string SnakeCase(std::string_view name) {
  const auto is_upper = [&](size_t i) {
    return std::isupper(static_cast<unsigned char>(name[i])) != 0;
  };
  const auto is_lower = [&](size_t i) {
    return std::islower(static_cast<unsigned char>(name[i])) != 0;
  };
  std::string snake;
  for (size_t i = 0; i < name.size(); ++i) {
    const auto c = static_cast<unsigned char>(name[i]);
    const bool new_word =
        i > 0 &&
        (std::isdigit(c) != 0
             ? is_lower(i - 1)
             : is_upper(i) && (is_lower(i - 1) ||
                               (is_upper(i - 1) && i + 1 < name.size() && is_lower(i + 1))));
    if (new_word) snake += '_';
    snake += std::isalnum(c) != 0 ? static_cast<char>(std::tolower(c)) : '_';
  }
  return snake;
}

// "/aws/sagemaker/Endpoints", "AWS/SageMaker" -> "aws_sagemaker_…"
std::string FamilyName(const MetricSeries& series) {
  std::string family = "cloudwatch_";
  if (series.id.name_space.find("ageMaker") != std::string::npos || IsGauge(series))
    family = "aws_sagemaker_";
  family += SnakeCase(series.id.name);
  if (series.unit != "None" && series.unit != "Count" && !series.unit.empty())
    family += "_" + SnakeCase(series.unit);
  return family;
}

std::string Escape(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '\\' || c == '"') escaped += '\\';
    if (c == '\n') {
      escaped += "\\n";
    } else {
      escaped += c;
    }
  }
  return escaped;
}

std::string LabelText(const MetricId& id) {
  std::string text;
  for (const auto& [name, value] : id.dimensions)
    text += fmt::format("{}{}=\"{}\"", text.empty() ? "" : ",", SnakeCase(name), Escape(value));
  return text.empty() ? "" : "{" + text + "}";
}

}  // namespace

void MetricRecorder::Add(MetricSample sample) {
  if (sample.values.count <= 0 || !std::isfinite(sample.values.sum)) return;
  MetricSeries series{std::move(sample.id), std::move(sample.unit)};
  const EpochSeconds second = SecondsOf(sample.at);
  std::lock_guard lock(mu_);
  if (running_.size() < options_.max_series || running_.contains(series)) {
    Running& running = running_[series];
    running.count += sample.values.count;
    running.sum += sample.values.sum;
    running.last = sample.values.sum / sample.values.count;
  }
  const auto key = std::make_pair(std::move(series), second - second % kMetricResolution);
  if (pending_.size() >= options_.max_pending && !pending_.contains(key)) {
    ++dropped_;
    return;
  }
  pending_[key].Merge(sample.values);
}

std::pair<MetricStore::Batch, size_t> MetricRecorder::Take() {
  std::lock_guard lock(mu_);
  return {std::exchange(pending_, {}), std::exchange(dropped_, 0)};
}

std::string MetricRecorder::OpenMetrics() const {
  std::map<std::string, std::map<std::string, std::pair<Running, bool>>> families;
  {
    std::lock_guard lock(mu_);
    for (const auto& [series, running] : running_)
      families[FamilyName(series)].emplace(LabelText(series.id),
                                           std::make_pair(running, IsGauge(series)));
  }
  std::string text;
  for (const auto& [family, all] : families) {
    const bool gauge = all.begin()->second.second;
    text += fmt::format("# TYPE {} {}\n", family, gauge ? "gauge" : "summary");
    for (const auto& [labels, entry] : all) {
      const Running& running = entry.first;
      text += gauge ? fmt::format("{}{} {}\n", family, labels, running.last)
                    : fmt::format("{0}_count{1} {2}\n{0}_sum{1} {3}\n", family, labels,
                                  running.count, running.sum);
    }
  }
  return text;
}

}  // namespace sarai::control
