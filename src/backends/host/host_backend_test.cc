// Real host processes with the real framework in them.

#include "backends/host/host_backend.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <condition_variable>
#include <fstream>
#include <future>
#include <mutex>
#include <thread>

#include "backends/host/host_arguments.h"
#include "backends/host/spawn.h"
#include "backends/test_support.h"

namespace sarai::backends::host {
namespace {

using namespace testing;
using std::chrono::seconds;

HostOptions Options() {
  HostOptions options;
  options.backend = "pytorch";
  options.library = BackendLibrary("pytorch");
  options.host_executable = HostExecutable();
  options.backend_options.intra_op_threads = 1;
  options.channels = {.run = 3, .load = 2};
  options.backoff.first = Duration::zero();
  return options;
}

ModelSpec Identity() {
  return MakeSpec(ScriptModel("identity"), {{.name = "x", .type = DataType::kFp32, .dims = {-1}}},
                  {{.name = "y", .type = DataType::kFp32, .dims = {-1}}}, 8);
}

ModelSpec Counter() {
  return MakeSpec(ScriptModel("count_to"), {{.name = "n", .type = DataType::kInt64, .dims = {1}}},
                  {{.name = "count", .type = DataType::kInt64, .dims = {}}});
}

constexpr int64_t kForEver = int64_t{1} << 60;

// What OnModelsLost has reported.
class Losses {
 public:
  explicit Losses(Backend& backend) {
    backend.OnModelsLost([this](Status why) {
      const std::lock_guard lock(mu_);
      reasons_.push_back(why.message());
      changed_.notify_all();
    });
  }
  std::string Await() {
    std::unique_lock lock(mu_);
    changed_.wait_for(lock, seconds(60), [&] { return !reasons_.empty(); });
    return reasons_.empty() ? "" : reasons_.front();
  }
  size_t count() {
    const std::lock_guard lock(mu_);
    return reasons_.size();
  }

 private:
  std::mutex mu_;
  std::condition_variable changed_;
  std::vector<std::string> reasons_;
};

void AwaitCalls(const HostBackend& backend, int count) {
  while (backend.calls_in_flight() != count) std::this_thread::yield();
}

bool Contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(HostBackend, StartsItsProcessWithTheFirstLoad) {
  HostBackend backend(Options());
  EXPECT_EQ(backend.name(), "pytorch");
  EXPECT_TRUE(backend.process_ids().empty());
  EXPECT_EQ(backend.runtime_version(), "");
  auto model = LoadModel(&backend, Identity());
  ASSERT_NE(model, nullptr);
  ASSERT_EQ(backend.process_ids().size(), 1u);
  EXPECT_NE(backend.process_ids()[0], getpid());
  EXPECT_TRUE(backend.runtime_version().starts_with("2."));
}

TEST(HostBackend, RoundTripsEveryType) {
  HostBackend backend(Options());
  for (const TypeCase& c : AllTypes()) {
    SCOPED_TRACE(c.file);
    const bool strings = c.type == DataType::kBytes;
    auto model = LoadModel(
        &backend, MakeSpec(ScriptModel(strings ? "upper_strings" : "identity"),
                           {{.name = "x", .type = c.type, .dims = {strings ? 1 : -1}}},
                           {{.name = "y", .type = c.type, .dims = {strings ? 1 : -1}}}, 8));
    ASSERT_NE(model, nullptr);
    const Tensor in = strings ? Strings("x", {2, 1}, {"AB", ""}) : SampleTensor("x", c.type);
    const Tensor out = RunOne(*model, {in});
    EXPECT_EQ(out.name, "y");
    EXPECT_EQ(out.type, c.type);
    EXPECT_EQ(out.shape, in.shape);
    EXPECT_EQ(out.data.text(), in.data.text());
  }
}

TEST(HostBackend, CarriesLargeAndEmptyTensors) {
  HostBackend backend(Options());
  auto model = LoadModel(&backend, Identity());
  ASSERT_NE(model, nullptr);
  for (const int64_t count : {int64_t{0}, int64_t{1}, int64_t{10} << 20, int64_t{3}}) {
    std::vector<float> values(static_cast<size_t>(count));
    for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i % 1000);
    const Tensor out = RunOne(*model, {Floats("x", {1, count}, values)});
    EXPECT_EQ(out.shape, (Shape{1, count}));
    EXPECT_EQ(Values<float>(out), values);
  }
}

TEST(HostBackend, RefusesMoreThanAChannelCarries) {
  auto options = Options();
  options.limits.region_bytes_max = 1024;
  HostBackend backend(options);
  auto model = LoadModel(&backend, Identity());
  ASSERT_NE(model, nullptr);
  const auto out = model->Execute({Floats("x", {1, 300}, std::vector<float>(300))}, {});
  ASSERT_FALSE(out);
  EXPECT_EQ(out.error().code(), Code::kInvalidArgument);
  EXPECT_EQ(Values<float>(RunOne(*model, {Floats("x", {1, 1}, {7})})), std::vector<float>{7});
}

TEST(HostBackend, PassesTheBackendsErrorsOn) {
  HostBackend backend(Options());
  const auto missing = backend.Load(MakeSpec("/nowhere/model.pt", {}, {}));
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code(), Code::kNotFound);
  const std::string path = ::testing::TempDir() + "host_bad.pt";
  std::ofstream(path) << "this is no model";
  const auto corrupt = backend.Load(MakeSpec(path, {}, {}));
  ASSERT_FALSE(corrupt);
  EXPECT_EQ(corrupt.error().code(), Code::kDataLoss);
  auto raising =
      LoadModel(&backend, MakeSpec(ScriptModel("raises"),
                                   {{.name = "x", .type = DataType::kFp32, .dims = {1}}},
                                   {{.name = "y", .type = DataType::kFp32, .dims = {1}}}));
  ASSERT_NE(raising, nullptr);
  const auto out = raising->Execute({Floats("x", {1}, {1})}, {});
  ASSERT_FALSE(out);
  EXPECT_TRUE(Contains(out.error().message(), "the sum is positive"));
  EXPECT_TRUE(raising->Execute({Floats("x", {1}, {-1})}, {}));
}

TEST(HostBackend, ReportsTheBytesOfItsModels) {
  HostBackend backend(Options());
  auto model =
      LoadModel(&backend, MakeSpec(ScriptModel("weights"),
                                   {{.name = "x", .type = DataType::kFp32, .dims = {1024}}},
                                   {{.name = "y", .type = DataType::kFp32, .dims = {1024}}}, 8));
  ASSERT_NE(model, nullptr);
  const uint64_t loaded = model->memory_bytes();
  EXPECT_GE(loaded, 4u << 20);
  RunOne(*model, {Floats("x", {1, 1024}, std::vector<float>(1024))});
  EXPECT_EQ(model->memory_bytes(), loaded);
  model.reset();
  backend.ReleaseMemory();
}

TEST(HostBackend, RunsSideBySide) {
  HostBackend backend(Options());
  auto identity = LoadModel(&backend, Identity());
  auto counter = LoadModel(&backend, Counter());
  ASSERT_NE(identity, nullptr);
  ASSERT_NE(counter, nullptr);
  auto counting = std::async(std::launch::async,
                             [&] { return counter->Execute({Ints("n", {1}, {kForEver})}, {}); });
  AwaitCalls(backend, 1);
  // Neither runs, nor loads, nor unloads wait for the one that never ends.
  EXPECT_EQ(Values<float>(RunOne(*identity, {Floats("x", {1, 1}, {7})})), std::vector<float>{7});
  EXPECT_NE(LoadModel(&backend, Identity()), nullptr);
  identity.reset();
  EXPECT_EQ(kill(backend.process_ids().at(0), SIGKILL), 0);
  EXPECT_FALSE(counting.get());
}

TEST(HostBackend, FailsTheCallsInFlightWhenItsProcessIsKilledAndStartsAgain) {
  HostBackend backend(Options());
  Losses losses(backend);
  auto counter = LoadModel(&backend, Counter());
  auto identity = LoadModel(&backend, Identity());
  ASSERT_NE(counter, nullptr);
  ASSERT_NE(identity, nullptr);
  const auto count_for_ever = [&] { return counter->Execute({Ints("n", {1}, {kForEver})}, {}); };
  auto first = std::async(std::launch::async, count_for_ever);
  auto second = std::async(std::launch::async, count_for_ever);
  AwaitCalls(backend, 2);
  const int pid = backend.process_ids().at(0);
  ASSERT_EQ(kill(pid, SIGKILL), 0);

  for (auto* running : {&first, &second}) {
    const auto out = running->get();
    ASSERT_FALSE(out);
    EXPECT_EQ(out.error().code(), Code::kUnavailable);
    EXPECT_TRUE(Contains(out.error().message(),
                         fmt::format("backend host 'pytorch' (pid {}) died of signal 9", pid)))
        << out.error().message();
    EXPECT_TRUE(Contains(out.error().message(), "executing 'count_to.pt'"));
  }
  EXPECT_TRUE(Contains(losses.Await(), "died of signal 9"));

  // Models of the dead process stay lost; loading brings a new one.
  const auto lost = identity->Execute({Floats("x", {1, 1}, {7})}, {});
  ASSERT_FALSE(lost);
  EXPECT_EQ(lost.error().code(), Code::kUnavailable);
  auto again = LoadModel(&backend, Identity());
  ASSERT_NE(again, nullptr);
  EXPECT_NE(backend.process_ids().at(0), pid);
  EXPECT_EQ(Values<float>(RunOne(*again, {Floats("x", {1, 1}, {7})})), std::vector<float>{7});
  EXPECT_EQ(identity->Execute({Floats("x", {1, 1}, {7})}, {}).error().code(), Code::kUnavailable);
  EXPECT_EQ(losses.count(), 1u);
}

TEST(HostBackend, KillsAProcessThatDoesNotAnswerInTime) {
  auto options = Options();
  options.call_timeout = seconds(2);
  HostBackend backend(options);
  Losses losses(backend);
  auto counter = LoadModel(&backend, Counter());
  ASSERT_NE(counter, nullptr);
  const auto out = counter->Execute({Ints("n", {1}, {kForEver})}, {});
  ASSERT_FALSE(out);
  EXPECT_EQ(out.error().code(), Code::kUnavailable);
  EXPECT_TRUE(Contains(out.error().message(), "took longer than 2 s")) << out.error().message();
  EXPECT_TRUE(Contains(losses.Await(), "was killed: executing 'count_to.pt'"));
}

TEST(HostBackend, NoticesACrashBetweenCalls) {
  HostBackend backend(Options());
  Losses losses(backend);
  auto model = LoadModel(&backend, Identity());
  ASSERT_NE(model, nullptr);
  kill(backend.process_ids().at(0), SIGABRT);
  EXPECT_TRUE(Contains(losses.Await(), "died of signal 6 (Aborted)"));
  EXPECT_TRUE(backend.process_ids().empty());
  EXPECT_NE(LoadModel(&backend, Identity()), nullptr);
}

TEST(HostBackend, PausesLongerAfterEachDeath) {
  auto options = Options();
  auto clock = std::make_shared<ManualClock>();
  options.clock = clock;
  options.backoff = {.first = seconds(10), .max = seconds(100), .factor = 2};
  HostBackend backend(options);
  Losses losses(backend);
  auto model = LoadModel(&backend, Identity());
  ASSERT_NE(model, nullptr);
  kill(backend.process_ids().at(0), SIGKILL);
  losses.Await();
  const auto refused = backend.Load(Identity());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Code::kUnavailable);
  EXPECT_TRUE(Contains(refused.error().message(), "in 10.0 s")) << refused.error().message();
  clock->Advance(seconds(10));
  EXPECT_NE(LoadModel(&backend, Identity()), nullptr);
}

TEST(HostBackend, StartsOneProcessForManyFirstLoads) {
  HostBackend backend(Options());
  std::vector<std::future<std::unique_ptr<BackendModel>>> loads;
  for (int i = 0; i < 6; ++i)
    loads.push_back(
        std::async(std::launch::async, [&] { return LoadModel(&backend, Identity()); }));
  std::vector<std::unique_ptr<BackendModel>> models;
  for (auto& load : loads) models.push_back(load.get());
  for (auto& model : models) {
    ASSERT_NE(model, nullptr);
    EXPECT_EQ(Values<float>(RunOne(*model, {Floats("x", {1, 1}, {7})})), std::vector<float>{7});
  }
}

TEST(HostBackend, SaysWhyItCannotStart) {
  auto options = Options();
  options.host_executable = "/nowhere/sarai";
  const auto no_program = HostBackend(options).Load(Identity());
  ASSERT_FALSE(no_program);
  EXPECT_EQ(no_program.error().code(), Code::kFailedPrecondition);
  EXPECT_TRUE(Contains(no_program.error().message(), "/nowhere/sarai"));

  options = Options();
  options.library = "/nowhere/libsarai_pytorch.so";
  const auto no_library = HostBackend(options).Load(Identity());
  ASSERT_FALSE(no_library);
  EXPECT_EQ(no_library.error().code(), Code::kNotFound) << no_library.error().ToString();
  EXPECT_TRUE(Contains(no_library.error().message(), "/nowhere/libsarai_pytorch.so"));

  options = Options();
  options.host_executable = "/bin/false";
  const auto ended = HostBackend(options).Load(Identity());
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().code(), Code::kUnavailable);
  EXPECT_TRUE(Contains(ended.error().message(), "ended by itself with code 1"))
      << ended.error().message();
}

TEST(HostBackend, LeavesNoProcessBehind) {
  int pid = 0;
  {
    HostBackend backend(Options());
    auto model = LoadModel(&backend, Identity());
    ASSERT_NE(model, nullptr);
    pid = backend.process_ids().at(0);
    model.reset();
  }
  EXPECT_EQ(kill(pid, 0), -1);
  EXPECT_EQ(errno, ESRCH);
}

bool IsGone(int pid) {
  // An orphan is reaped by init, or stays as a zombie where there is none.
  std::ifstream stat(fmt::format("/proc/{}/stat", pid));
  const std::string text{std::istreambuf_iterator<char>(stat), {}};
  const auto state = text.rfind(") ");
  return state == std::string::npos || text[state + 2] == 'Z' || text[state + 2] == 'X';
}

TEST(HostBackend, DiesWithItsParent) {
  int report[2];
  ASSERT_EQ(pipe2(report, O_CLOEXEC), 0);
  // A process that owns a host and says which.
  const auto parent =
      Spawn(HostExecutable(), {"--own-a-host", BackendLibrary("pytorch"), ScriptModel("identity")},
            std::array{report[1]});
  ASSERT_TRUE(parent) << parent.error().ToString();
  close(report[1]);
  int host = 0;
  ASSERT_EQ(read(report[0], &host, sizeof(host)), static_cast<ssize_t>(sizeof(host)));
  close(report[0]);
  ASSERT_GT(host, 0);
  EXPECT_FALSE(IsGone(host));
  KillProcess(parent->pidfd);
  waitpid(parent->pid, nullptr, 0);
  while (!IsGone(host)) std::this_thread::yield();
}

TEST(HostArguments, ComeBackFromTheCommandLine) {
  const HostArguments arguments{.backend = "pytorch",
                                .library = "/lib/x.so",
                                .channels = 7,
                                .parent_pid = 42,
                                .options = {.intra_op_threads = 3, .settings = {{"k", "v=w"}}}};
  const auto parsed = ParseHostArguments(ToCommandLine(arguments));
  ASSERT_TRUE(parsed) << parsed.error().ToString();
  EXPECT_EQ(parsed->backend, "pytorch");
  EXPECT_EQ(parsed->library, "/lib/x.so");
  EXPECT_EQ(parsed->channels, 7);
  EXPECT_EQ(parsed->parent_pid, 42);
  EXPECT_EQ(parsed->options.intra_op_threads, 3);
  EXPECT_EQ(parsed->options.settings.at("k"), "v=w");
}

TEST(HostArguments, AreCheckedOneByOne) {
  const std::vector<std::vector<std::string>> lines = {
      {}, {"--channels=0"}, {"--channels=x"}, {"--unknown=1"}, {"--setting=x"}, {"word"}};
  for (const auto& line : lines) EXPECT_FALSE(ParseHostArguments(line));
}

}  // namespace
}  // namespace sarai::backends::host
