#include "telemetry/access_line.h"

#include <ctime>
#include <string_view>

#include <fmt/format.h>

#include "wire/json/text.h"

namespace sarai::telemetry {
namespace {

const char* ProtocolName(Caller::Over over) {
  switch (over) {
    case Caller::Over::kHttp: return "http";
    case Caller::Over::kGrpc: return "grpc";
    case Caller::Over::kStep: break;
  }
  return "step";
}

std::string TimeText(WallTime at) {
  const int64_t micros = at.time_since_epoch().count();
  const std::time_t seconds = micros / 1'000'000;
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z", utc.tm_year + 1900,
                     utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec,
                     micros % 1'000'000);
}

double Between(const TraceRecord& record, TraceActivity start, TraceActivity end) {
  const auto from = record.At(start), to = record.At(end);
  return from && to ? Milliseconds(*to - *from) : 0;
}

class Line {
 public:
  void Text(std::string_view name, std::string_view value) {
    Name(name);
    json::AppendString(out_, json::ToValidUtf8(value));
  }
  void Number(std::string_view name, uint64_t value) {
    Name(name);
    json::AppendNumber(out_, value);
  }
  void Millis(std::string_view name, double value) {
    Name(name);
    fmt::format_to(std::back_inserter(out_), "{:.3f}", value);
  }
  void Flag(std::string_view name, bool value) {
    Name(name);
    json::AppendBool(out_, value);
  }
  std::string Done() && { return std::move(out_) + "}"; }

 private:
  void Name(std::string_view name) {
    if (out_.size() > 1) out_ += ',';
    fmt::format_to(std::back_inserter(out_), "\"{}\":", name);
  }
  std::string out_ = "{";
};

}  // namespace

std::string AccessLine(const TraceRecord& record, WallTime ended) {
  using enum TraceActivity;
  Line line;
  line.Text("time", TimeText(ended));
  line.Text("protocol", ProtocolName(record.over));
  line.Text("peer", record.peer);
  line.Text("model", record.model);
  line.Text("version", record.version);
  line.Text("id", record.request_id);
  line.Text("status", record.code ? CodeName(*record.code) : "ok");
  if (!record.error.empty()) line.Text("error", record.error);
  line.Number("bytes_in", record.bytes_in);
  line.Number("bytes_out", record.bytes_out);
  line.Millis("total_ms", Between(record, kRequestStart, kRequestEnd));
  line.Millis("load_ms", Between(record, kResidencyStart, kResidencyEnd));
  line.Millis("queue_ms", Between(record, kQueueStart, kComputeStart));
  line.Millis("compute_ms", Between(record, kComputeStart, kComputeEnd));
  line.Flag("cold", record.cold);
  return std::move(line).Done();
}

}  // namespace sarai::telemetry
