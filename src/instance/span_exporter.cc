#include "instance/span_exporter.h"

#include <algorithm>
#include <future>
#include <utility>

#include "base/log.h"

namespace sarai::instance {
namespace {

constexpr char kScheme[] = "http://";
constexpr char kDefaultPort[] = ":80";

}  // namespace

Result<SpanExporter::Target> SpanExporter::ParseUrl(const std::string& url) {
  if (!url.starts_with(kScheme))
    return Error(Code::kInvalidArgument,
                 "the collector's url '{}' must be http://HOST:PORT/PATH (OTLP over HTTP)", url);
  const std::string rest = url.substr(sizeof kScheme - 1);
  const size_t slash = std::min(rest.find('/'), rest.size());
  Target target{.address = rest.substr(0, slash), .path = rest.substr(slash)};
  if (target.address.empty())
    return Error(Code::kInvalidArgument, "the collector's url '{}' has no host", url);
  if (target.address.find(':', target.address.rfind(']') + 1) == std::string::npos)
    target.address += kDefaultPort;
  if (target.path.empty()) target.path = "/v1/traces";
  return target;
}

Result<std::unique_ptr<SpanExporter>> SpanExporter::Make(SpanExporterOptions options,
                                                         const Clock& clock) {
  if (options.max_queue_size == 0 || options.max_batch == 0 ||
      options.max_batch > options.max_queue_size)
    return Error(Code::kInvalidArgument,
                 "bsp_max_export_batch_size ({}) must be at least 1 and at most "
                 "bsp_max_queue_size ({})",
                 options.max_batch, options.max_queue_size);
  SARAI_TRY(Target target, ParseUrl(options.url));
  return std::unique_ptr<SpanExporter>(
      new SpanExporter(std::move(options), std::move(target), clock));
}

SpanExporter::SpanExporter(SpanExporterOptions options, Target target, const Clock& clock)
    : options_(std::move(options)),
      target_(std::move(target)),
      clock_(clock),
      transport_(net::MakeHttpTransport(loops_)) {}

SpanExporter::~SpanExporter() {
  stopping_ = true;
  std::promise<void> sent;
  thread_.Post([this, &sent] {
    sending_ = false;  // a pause between tries is not waited for
    while (!spans_.empty()) SendBatch();
    sent.set_value();
  });
  sent.get_future().wait();
}

void SpanExporter::Add(TraceRecord record) {
  if (waiting_.fetch_add(1) >= options_.max_queue_size) {
    waiting_.fetch_sub(1);
    dropped_.fetch_add(1);
    return;
  }
  thread_.Post([this, record = std::move(record)] {
    waiting_.fetch_sub(1);
    Take(record);
  });
}

void SpanExporter::Take(const TraceRecord& record) {
  const Duration offset = clock_.WallNow().time_since_epoch() - clock_.Now().time_since_epoch();
  for (std::string& span :
       telemetry::SpansOf(record, offset, [this] { return ids_.NewSpanId(); })) {
    if (spans_.size() >= options_.max_queue_size)
      dropped_.fetch_add(1);
    else
      spans_.push_back(std::move(span));
  }
  if (spans_.size() >= options_.max_batch && !sending_) SendBatch();
  Arm();
}

void SpanExporter::Arm() {
  if (armed_ || sending_ || spans_.empty()) return;
  armed_ = true;
  thread_.PostAt(clock_.Now() + options_.schedule_delay, [this] {
    armed_ = false;
    if (!sending_) SendBatch();
    Arm();
  });
}

void SpanExporter::SendBatch() {
  if (spans_.empty()) return;
  const size_t count = std::min<size_t>(spans_.size(), options_.max_batch);
  const auto end = spans_.begin() + static_cast<std::ptrdiff_t>(count);
  const std::vector<std::string> batch(std::make_move_iterator(spans_.begin()),
                                       std::make_move_iterator(end));
  spans_.erase(spans_.begin(), end);
  sending_ = true;
  Try(telemetry::ExportBody(options_.resource, batch), count, 1);
}

// The codes for which OTLP has the client try again.
bool SpanExporter::Again(const std::expected<http::Response, net::SendError>& answer) const {
  if (!answer) return true;
  constexpr int kRetryable[] = {429, 502, 503, 504};
  return std::ranges::find(kRetryable, answer->status) != std::end(kRetryable);
}

void SpanExporter::Try(std::string body, size_t spans, uint32_t tries) {
  http::Request request{.method = "POST", .target = target_.path};
  request.headers.Add("Host", target_.address);
  request.headers.Add("Content-Type", "application/json");
  request.body = Blob::FromString(body);
  const auto answer = net::SendAndWait(*transport_, target_.address, std::move(request),
                                       {.timeout = options_.timeout});
  constexpr int kOk = 200, kRedirect = 300;
  if (answer && answer->status >= kOk && answer->status < kRedirect) {
    sent_.fetch_add(spans);
  } else if (Again(answer) && tries < options_.max_tries && !stopping_) {
    const auto pause = options_.first_pause * (1 << (tries - 1));
    thread_.PostAt(clock_.Now() + pause, [this, body = std::move(body), spans, tries]() mutable {
      Try(std::move(body), spans, tries + 1);
    });
    return;
  } else {
    dropped_.fetch_add(spans);
    LogWarning("instance", "{} spans are lost: {} answers {}", spans, options_.url,
               answer ? fmt::to_string(answer->status) : answer.error().status.message());
  }
  sending_ = false;
  Arm();
}

}  // namespace sarai::instance
