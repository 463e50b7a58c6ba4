#include "tuning/report.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/bytes.h"
#include "base/strings.h"
#include "loadgen/report.h"
#include "loadgen/svg_chart.h"
#include "wire/modelconfig/model_config.h"

namespace sarai::tuning {
namespace {

using loadgen::DurationText;
using loadgen::EscapeXml;
using policy::TuningScore;

bool IsMeasured(const TuningScore& score) {
  return score.outcome.failure.empty() && score.outcome.requests_per_second > 0;
}

std::string LimitsText(const policy::TuningLimits& limits) {
  std::string text;
  if (limits.p99_max > Duration{0})
    text += fmt::format("p99 at most {}", DurationText(limits.p99_max));
  if (limits.memory_bytes_max > 0)
    text += fmt::format("{}memory at most {}", text.empty() ? "" : ", ",
                        FormatBytes(limits.memory_bytes_max));
  return text.empty() ? "no limits" : text;
}

double GainOf(const TuneReport& report, const TuningScore& score) {
  const double before = report.given().outcome.requests_per_second;
  return before > 0 ? score.outcome.requests_per_second / before : 0;
}

std::string RowText(const TuneReport& report, const TuningScore& score) {
  const std::string& text = report.candidates[score.candidate].text;
  if (!IsMeasured(score))
    return fmt::format("{:>12}  {:>10} {:>10} {:>10} {:>8}  {}: {}\n", "-", "-", "-", "-", "-",
                       text,
                       score.outcome.failure.empty() ? "not measured" : score.outcome.failure);
  const policy::TuningOutcome& outcome = score.outcome;
  return fmt::format("{:>12.1f}  {:>10} {:>10} {:>10} {:>8}  {}{}\n", outcome.requests_per_second,
                     DurationText(outcome.p50), DurationText(outcome.p99),
                     FormatBytes(outcome.memory_bytes), score.clients, text,
                     score.within_limits ? "" : " (beyond the limits)");
}

std::string Verdict(const TuneReport& report) {
  const TuningScore& best = report.best();
  if (!best.within_limits)
    return fmt::format("No configuration keeps the limits ({}).", LimitsText(report.limits));
  if (best.candidate == 0) return "The configuration is the best as it is.";
  return fmt::format("Best: {}; {:.2f} times the requests per second of what is there.",
                     report.candidates[best.candidate].text, GainOf(report, best));
}

// --- HTML
// -----------------------------------------------------------------------------------------

constexpr double kWidth = 860, kHeight = 380;

std::string Scatter(const TuneReport& report) {
  double high = 1;
  Duration low = Duration::max(), late{1};
  for (const TuningScore& score : report.ranking) {
    if (!IsMeasured(score)) continue;
    high = std::max(high, score.outcome.requests_per_second);
    low = std::min(low, score.outcome.p99);
    late = std::max(late, score.outcome.p99);
  }
  loadgen::SvgChart chart("p99 over requests per second, a dot for each configuration",
                          {76, 40, kWidth - 100, kHeight - 90}, loadgen::LinearAxis(high, "/s"),
                          loadgen::LatencyAxis(std::min(low, late), late));
  const auto dot = [&](const TuningScore& score, const char* css_class) {
    if (IsMeasured(score))
      chart.Dot(score.outcome.requests_per_second, loadgen::OnLatencyAxis(score.outcome.p99),
                css_class);
  };
  for (const TuningScore& score : report.ranking) dot(score, "warm");
  dot(report.given(), "given");
  dot(report.best(), "best");
  return fmt::format("<svg viewBox=\"0 0 {0} {1}\" width=\"{0}\" height=\"{1}\">{2}{3}</svg>\n",
                     kWidth, kHeight, loadgen::SvgStyle(), chart.Text());
}

std::string HtmlRow(const TuneReport& report, const TuningScore& score) {
  const char* mark = score.candidate == report.best().candidate ? " class=\"best\""
                     : score.candidate == 0                     ? " class=\"given\""
                                                                : "";
  const std::string text = EscapeXml(report.candidates[score.candidate].text);
  if (!IsMeasured(score))
    return fmt::format(
        "<tr{}><td>{}</td><td colspan=\"6\">{}</td></tr>\n", mark, text,
        EscapeXml(score.outcome.failure.empty() ? "not measured" : score.outcome.failure));
  const policy::TuningOutcome& outcome = score.outcome;
  return fmt::format(
      "<tr{}><td>{}</td><td>{}</td><td>{:.1f}</td><td>{:.2f}</td><td>{}</td><td>{}</td>"
      "<td>{}{}</td></tr>\n",
      mark, text, score.clients, outcome.requests_per_second, GainOf(report, score),
      DurationText(outcome.p50), DurationText(outcome.p99), FormatBytes(outcome.memory_bytes),
      score.within_limits ? "" : ", beyond the limits");
}

std::string EscapeLines(const std::string& text) {
  std::string escaped;
  for (const std::string_view line : Split(text, '\n')) escaped += EscapeXml(line) + "\n";
  return escaped;
}

constexpr char kStyle[] = R"(
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
body { max-width: 60em; margin: 2em auto; padding: 0 1em; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { padding: .25em .6em; text-align: right; border-bottom: 1px solid #8884; }
th:first-child, td:first-child { text-align: left; }
tr.best { font-weight: 600; } tr.given { font-style: italic; }
pre { padding: 1em; overflow: auto; background: #8881; }
svg { max-width: 100%; height: auto; }
circle.best, .best { fill: #2a9d4e; } circle.given { fill: #d1495b; }
td, th { color: CanvasText; }
)";

}  // namespace

std::string TableText(const TuneReport& report, size_t top) {
  std::string text =
      fmt::format("{}: {} configurations, {} trials{}; {}\n\n", report.model,
                  report.candidates.size(), report.trials,
                  report.interrupted ? " (stopped before the end)" : "", LimitsText(report.limits));
  text += fmt::format("{:>12}  {:>10} {:>10} {:>10} {:>8}\n", "requests/s", "p50", "p99", "memory",
                      "clients");
  const size_t shown = std::min(top, report.ranking.size());
  bool has_given = false;
  for (size_t i = 0; i < shown; ++i) {
    text += RowText(report, report.ranking[i]);
    has_given |= report.ranking[i].candidate == 0;
  }
  if (!has_given) text += RowText(report, report.given());
  return text + "\n" + Verdict(report) + "\n";
}

std::string BestConfigText(const TuneReport& report) {
  return modelconfig::ToText(report.candidates[report.best().candidate].config);
}

std::string HtmlText(const TuneReport& report) {
  std::string rows;
  for (const TuningScore& score : report.ranking) rows += HtmlRow(report, score);
  return fmt::format(
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
      "<title>Tuning of {0}</title><style>{1}</style></head><body>\n<h1>Tuning of {0}</h1>\n"
      "<p>{2}</p>\n<p>{3} configurations, {4} trials{5}; {6}.</p>\n{7}\n<table><thead><tr>"
      "<th>configuration</th><th>clients</th><th>requests/s</th><th>gain</th><th>p50</th>"
      "<th>p99</th><th>memory</th></tr></thead><tbody>\n{8}</tbody></table>\n"
      "<h2>config.pbtxt</h2>\n<pre>{9}</pre>\n</body></html>\n",
      EscapeXml(report.model), kStyle, EscapeXml(Verdict(report)), report.candidates.size(),
      report.trials, report.interrupted ? ", stopped before the end" : "",
      EscapeXml(LimitsText(report.limits)), Scatter(report), rows,
      EscapeLines(BestConfigText(report)));
}

}  // namespace sarai::tuning
