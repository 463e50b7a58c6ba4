// This room by itself: closed loops of callers against models that do nothing, over the engine's
// queues and lanes only. Each caller waits for its answer on its own thread, as a client would.
//
//   engine_bench [seconds=1] [callers...=1 4 16 64]
//
// Prints requests per second and latency: over the lanes always, and on the caller's thread where
// that is short. Then what the response cache costs a miss and saves a hit, and what a request
// costs a queue of 100 and of 10,000.
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <semaphore>
#include <thread>
#include <vector>

#include "engine/backend_registry.h"
#include "engine/engine.h"
#include "engine/request_queue.h"
#include "engine/testing/test_values.h"

namespace sarai::engine {
namespace {

class EchoModel final : public backends::BackendModel {
 public:
  const backends::Signature& signature() const override { return signature_; }
  uint64_t memory_bytes() const override { return 0; }
  Result<std::vector<Tensor>> Execute(const std::vector<Tensor>& inputs,
                                      const backends::ExecuteContext&) override {
    std::vector<Tensor> outputs = inputs;
    outputs.front().name = "y";
    return outputs;
  }

 private:
  const backends::Signature signature_;
};

class EchoBackend final : public backends::Backend {
 public:
  std::string name() const override { return "echo"; }
  std::string runtime_version() const override { return "1"; }
  Result<std::unique_ptr<backends::BackendModel>> Load(const ModelSpec&) override {
    return std::make_unique<EchoModel>();
  }
};

struct Figures {
  double per_second = 0, p50_us = 0, p99_us = 0;
};

struct Load {
  int callers = 1;
  double seconds = 1;
  int64_t floats = 1;       // of an input
  bool always_new = false;  // no input comes twice
};

// One caller: asks, waits, asks again.
void Call(Engine& engine, const ModelHandle& model, const Load& load, const std::atomic<bool>& stop,
          std::vector<double>& micros) {
  std::vector<float> values(static_cast<size_t>(load.floats), 1);
  Tensor input = Floats("x", {1, load.floats}, values);
  std::binary_semaphore answered(0);
  while (!stop) {
    if (load.always_new) {
      values.front() += 1;
      input = Floats("x", {1, load.floats}, values);
    }
    const auto start = std::chrono::steady_clock::now();
    engine.Infer(model, {.inputs = {input}}, [&](const auto&) { answered.release(); });
    answered.acquire();
    micros.push_back(
        std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - start)
            .count());
  }
}

Figures Measure(Engine& engine, const ModelHandle& model, const Load& load) {
  std::atomic<bool> stop = false;
  std::vector<std::vector<double>> micros(static_cast<size_t>(load.callers));
  {
    std::vector<std::jthread> threads;
    for (auto& own : micros) threads.emplace_back([&] { Call(engine, model, load, stop, own); });
    std::this_thread::sleep_for(std::chrono::duration<double>(load.seconds));
    stop = true;
  }
  std::vector<double> all;
  for (const auto& own : micros) all.insert(all.end(), own.begin(), own.end());
  std::ranges::sort(all);
  if (all.empty()) return {};
  return {.per_second = static_cast<double>(all.size()) / load.seconds,
          .p50_us = all[all.size() / 2],
          .p99_us = all[all.size() * 99 / 100]};
}

// An engine of its own with one model of that configuration.
Figures MeasureAlone(const char* config, const EngineOptions& options, const Load& load) {
  const RealClock clock;
  TestFolder folder;
  folder.Write("m/config.pbtxt", fmt::format(R"(backend: "echo" max_batch_size: 64
      input [ {{ name: "x" data_type: TYPE_FP32 dims: [ {0} ] }} ]
      output [ {{ name: "y" data_type: TYPE_FP32 dims: [ {0} ] }} ] {1})",
                                             load.floats, config));
  folder.MakeFolder("m/1");
  BackendRegistry registry{RegistryOptions{}};
  registry.Add("echo", std::make_unique<EchoBackend>());
  Engine engine(options, registry, clock);
  const auto model = engine.Load({.directory = folder.path("m")});
  if (!model) {
    fmt::print(stderr, "{}\n", model.error().ToString());
    std::exit(1);
  }
  return Measure(engine, *model, load);
}

void Compare(const char* config, double seconds, const std::vector<int>& callers) {
  fmt::print("{}\n", config);
  for (const int count : callers) {
    Figures figures[2];
    for (const bool here : {false, true}) {
      EngineOptions options;
      if (!here) options.run_here_median_max = Duration{0};
      figures[here] = MeasureAlone(config, options, {.callers = count, .seconds = seconds});
    }
    for (const bool here : {false, true})
      fmt::print("  {:3} callers, {:8}: {:9.0f}/s  p50 {:7.1f} us  p99 {:7.1f} us  ({:.2f}x)\n",
                 count, here ? "here" : "on lanes", figures[here].per_second, figures[here].p50_us,
                 figures[here].p99_us, figures[here].per_second / figures[0].per_second);
  }
}

void CompareCache(double seconds) {
  constexpr char kConfig[] = "response_cache { enable: true }";
  fmt::print("{}\n", kConfig);
  for (const int64_t floats : {1, 16'384}) {
    const Load load{.seconds = seconds, .floats = floats};
    Load fresh = load;
    fresh.always_new = true;
    EngineOptions cached;
    cached.response_cache_bytes = 64 << 20;
    const Figures off = MeasureAlone(kConfig, {}, fresh);
    const Figures miss = MeasureAlone(kConfig, cached, fresh);
    const Figures hit = MeasureAlone(kConfig, cached, load);
    fmt::print("  {:6} floats: off p50 {:.1f} us; a miss {:.2f}x, a hit {:.2f}x of it\n", floats,
               off.p50_us, miss.p50_us / off.p50_us, hit.p50_us / off.p50_us);
  }
}

// Nanoseconds that one request costs the queue while `depth` wait.
double QueueCost(size_t depth, bool same_shape) {
  constexpr size_t kRounds = 200'000;
  policy::BatchLimits limits{.max_batch_size = 64, .batching = {.enabled = true}};
  RequestQueue queue(limits, static_cast<uint32_t>(2 * depth));
  const TimePoint now{};
  size_t waiting = 0, pushed = 0;
  const auto start = std::chrono::steady_clock::now();
  while (pushed < kRounds) {
    for (; waiting < depth && pushed < kRounds; ++waiting, ++pushed) {
      auto pending = std::make_unique<PendingRequest>();
      pending->shape_key = same_shape ? 0 : pushed;
      if (!queue.Push(pending, now).ok()) std::abort();
    }
    waiting -= queue.Take(now).batch.size();
  }
  return std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - start)
             .count() /
         kRounds;
}

void CompareDepths() {
  for (const bool same : {true, false}) {
    const double shallow = QueueCost(100, same), deep = QueueCost(10'000, same);
    fmt::print("a queue of {}: 100 wait: {:.0f} ns a request; 10,000 wait: {:.2f}x\n",
               same ? "equal shapes" : "different shapes", shallow, deep / shallow);
  }
}

}  // namespace
}  // namespace sarai::engine

int main(int argc, char** argv) {
  const double seconds = argc > 1 ? std::atof(argv[1]) : 1;
  std::vector<int> callers;
  for (int i = 2; i < argc; ++i) callers.push_back(std::atoi(argv[i]));
  if (callers.empty()) callers = {1, 4, 16, 64};
  for (const char* config :
       {"instance_group { count: 64 }", "dynamic_batching {} instance_group { count: 2 }"})
    sarai::engine::Compare(config, seconds, callers);
  sarai::engine::CompareCache(seconds);
  sarai::engine::CompareDepths();
}
