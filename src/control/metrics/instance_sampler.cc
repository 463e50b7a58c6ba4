#include "control/metrics/instance_sampler.h"

#include <algorithm>
#include <array>
#include <utility>

#include "wire/http/text_of.h"
#include "wire/json/json.h"

namespace sarai::control {
namespace {

struct Gauge {
  const char* member;  // of the instance's status
  const char* metric;
  const char* unit;
};

// Without a GPU, the lanes are what computes and the memory budget is what holds the models.
constexpr std::array<Gauge, 6> kGauges = {{
    {"loaded_model_count", "LoadedModelCount", "None"},
    {"cpu_percent", "CPUUtilization", "Percent"},
    {"host_memory_percent", "MemoryUtilization", "Percent"},
    {"disk_percent", "DiskUtilization", "Percent"},
    {"lane_percent", "GPUUtilization", "Percent"},
    {"memory_percent", "GPUMemoryUtilization", "Percent"},
}};

constexpr std::array<std::pair<std::string_view, const char*>, 3> kEvents = {
    {{"fetch", "ModelDownloadingTime"},
     {"load", "ModelLoadingTime"},
     {"unload", "ModelUnloadingTime"}}};

MetricId IdOf(const char* name_space, const char* name, const std::string& endpoint,
              const std::string& variant) {
  return {name_space, name, {{"EndpointName", endpoint}, {"VariantName", variant}}};
}

// What has failed took its time too, but says nothing of how long it takes.
Result<MetricSample> SampleOf(const json::ObjectView& event, const std::string& endpoint,
                              const std::string& variant) {
  SARAI_TRY(const auto ok, event.Bool("ok"));
  if (!ok.value_or(true)) return Error(Code::kUnimplemented, "it has failed");
  SARAI_TRY(const std::string kind, event.RequireString("kind"));
  SARAI_TRY(const int64_t at_us, event.RequireInt("at_us"));
  SARAI_TRY(const double microseconds, event.RequireDouble("microseconds"));
  for (const auto& [name, metric] : kEvents) {
    if (name != kind) continue;
    MetricSample sample{.id = IdOf("AWS/SageMaker", metric, endpoint, variant),
                        .unit = "Microseconds",
                        .at = WallTime(std::chrono::microseconds(at_us))};
    sample.values.Add(microseconds);
    return sample;
  }
  return Error(Code::kUnimplemented, "no metric stands for the event '{}'", kind);
}

net::SendOptions AskOptions(const HealthOptions& health) {
  return {.connect_timeout = health.ping_timeout,
          .timeout = health.ping_timeout,
          .max_response_bytes = 8ull << 20};
}

}  // namespace

std::vector<MetricSample> GaugesOf(std::string_view status, const std::string& endpoint,
                                   const std::string& variant, WallTime now) {
  std::vector<MetricSample> samples;
  const auto object = json::ParseObject(status);
  if (!object) return samples;
  const json::ObjectView view(*object);
  for (const Gauge& gauge : kGauges) {
    const auto value = view.Double(gauge.member);
    if (!value || !*value) continue;
    MetricSample sample{.id = IdOf("/aws/sagemaker/Endpoints", gauge.metric, endpoint, variant),
                        .unit = gauge.unit,
                        .at = now};
    sample.values.Add(**value);
    samples.push_back(std::move(sample));
  }
  return samples;
}

EventSamples EventsOf(std::string_view events, const std::string& endpoint,
                      const std::string& variant) {
  EventSamples found;
  const auto object = json::ParseObject(events);
  if (!object) return found;
  const json::ObjectView view(*object);
  if (const auto next = view.Int("next"); next && *next) found.next = **next;
  const auto list = view.Children("events");
  if (!list) return found;
  for (const json::ObjectView& event : *list)
    if (auto sample = SampleOf(event, endpoint, variant))
      found.samples.push_back(std::move(*sample));
  return found;
}

void InstanceSampler::Run() {
  std::erase_if(feeds_, [this](const auto& feed) { return fleet_.Find(feed.first) == nullptr; });
  for (const auto& [id, instance] : fleet_.all()) {
    if (instance.phase != InstancePhase::kRunning) continue;
    AskStatus(instance);
    AskEvents(id, instance);
  }
  strand_->PostAt(clock_.Now() + options_.metrics.sample_interval, [this] { Run(); });
}

void InstanceSampler::AskStatus(const Instance& instance) {
  transport_.Send(
      instance.address, {.method = "GET", .target = "/sarai/v1/status"},
      AskOptions(options_.health),
      [recorder = recorder_, &clock = clock_, endpoint = instance.wanted.endpoint,
       variant = instance.wanted.variant](std::expected<http::Response, net::SendError> answer) {
        if (!answer || answer->status != 200) return;
        for (MetricSample& sample :
             GaugesOf(http::TextOf(*answer), endpoint, variant, clock.WallNow()))
          recorder->Add(std::move(sample));
      });
}

void InstanceSampler::AskEvents(const std::string& id, const Instance& instance) {
  Feed& feed = feeds_[id];
  if (feed.run != instance.run) feed = {instance.run, 0};
  transport_.Send(
      instance.address,
      {.method = "GET", .target = fmt::format("/sarai/v1/events?since={}", feed.since)},
      AskOptions(options_.health),
      [this, strand = strand_, recorder = recorder_, id, run = instance.run, since = feed.since,
       endpoint = instance.wanted.endpoint,
       variant = instance.wanted.variant](std::expected<http::Response, net::SendError> answer) {
        if (!answer || answer->status != 200) return;
        EventSamples events = EventsOf(http::TextOf(*answer), endpoint, variant);
        strand->Post([this, recorder, id, run, since, events = std::move(events)]() mutable {
          const auto it = feeds_.find(id);
          // An answer that came late, or to an earlier process, would be counted twice.
          if (it == feeds_.end() || it->second.run != run || it->second.since != since) return;
          it->second.since = std::max(since, events.next);
          for (MetricSample& sample : events.samples) recorder->Add(std::move(sample));
        });
      });
}

}  // namespace sarai::control
