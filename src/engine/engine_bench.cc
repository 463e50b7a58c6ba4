// This room by itself: closed loops of callers against models that do nothing, over the engine's
// queues and lanes only. Each caller waits for its answer on its own thread, as a client would.
//
//   engine_bench [seconds=1] [callers...=1 4 16 64]
//
// Prints requests per second and latency: over the lanes always, and on the caller's thread where
// that is short.
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <semaphore>
#include <thread>
#include <vector>

#include "engine/backend_registry.h"
#include "engine/engine.h"
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

// One caller: asks, waits, asks again.
void Call(Engine& engine, const ModelHandle& model, const std::atomic<bool>& stop,
          std::vector<double>& micros) {
  const Tensor input = Floats("x", {1, 1}, {1});
  std::binary_semaphore answered(0);
  while (!stop) {
    const auto start = std::chrono::steady_clock::now();
    engine.Infer(model, {.inputs = {input}}, [&](const auto&) { answered.release(); });
    answered.acquire();
    micros.push_back(
        std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - start)
            .count());
  }
}

Figures Measure(Engine& engine, const ModelHandle& model, int callers, double seconds) {
  std::atomic<bool> stop = false;
  std::vector<std::vector<double>> micros(static_cast<size_t>(callers));
  {
    std::vector<std::jthread> threads;
    for (auto& own : micros) threads.emplace_back([&] { Call(engine, model, stop, own); });
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
    stop = true;
  }
  std::vector<double> all;
  for (const auto& own : micros) all.insert(all.end(), own.begin(), own.end());
  std::ranges::sort(all);
  if (all.empty()) return {};
  return {.per_second = static_cast<double>(all.size()) / seconds,
          .p50_us = all[all.size() / 2],
          .p99_us = all[all.size() * 99 / 100]};
}

void Compare(const char* config, double seconds, const std::vector<int>& callers) {
  const RealClock clock;
  TestFolder folder;
  folder.Write("m/config.pbtxt", fmt::format(R"(backend: "echo" max_batch_size: 64
      input [ {{ name: "x" data_type: TYPE_FP32 dims: [ 1 ] }} ]
      output [ {{ name: "y" data_type: TYPE_FP32 dims: [ 1 ] }} ] {})",
                                             config));
  folder.MakeFolder("m/1");
  fmt::print("{}\n", config);
  for (const int count : callers) {
    Figures figures[2];
    for (const bool here : {false, true}) {
      BackendRegistry registry{RegistryOptions{}};
      registry.Add("echo", std::make_unique<EchoBackend>());
      EngineOptions options;
      if (!here) options.run_here_median_max = Duration{0};
      Engine engine(options, registry, clock);
      const auto model = engine.Load({.directory = folder.path("m")});
      if (!model) {
        fmt::print(stderr, "{}\n", model.error().ToString());
        std::exit(1);
      }
      figures[here] = Measure(engine, *model, count, seconds);
    }
    for (const bool here : {false, true})
      fmt::print("  {:3} callers, {:8}: {:9.0f}/s  p50 {:7.1f} us  p99 {:7.1f} us  ({:.2f}x)\n",
                 count, here ? "here" : "on lanes", figures[here].per_second, figures[here].p50_us,
                 figures[here].p99_us, figures[here].per_second / figures[0].per_second);
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
}
