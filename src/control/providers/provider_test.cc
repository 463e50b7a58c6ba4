#include <poll.h>
#include <sys/types.h>
#include <unistd.h>

#include <condition_variable>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "control/providers/child_process.h"
#include "control/providers/instance_command.h"
#include "control/providers/process_provider.h"
#include "control/scratch_directory.h"

namespace sarai::control {
namespace {

namespace fs = std::filesystem;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

TEST(InstanceCommand, SaysAllThatTheInstanceNeeds) {
  const InstanceLaunch launch{.id = "demo-AllTraffic-1",
                              .source_url = "s3://bucket/models/",
                              .memory_bytes = 16,
                              .disk_bytes = 32,
                              .environment = {{"A", "model"}, {"LD_PRELOAD", "/tmp/x.so"}}};
  const LaunchOptions options{.executable = "/bin/sarai",
                              .flags = {"--s3-endpoint=http://127.0.0.1:9"},
                              .environment = {{"A", "own"}, {"B", "own"}}};
  const auto command = CommandOf(launch, options, "/state/instances/demo-AllTraffic-1");
  EXPECT_THAT(command.arguments,
              ElementsAre("/bin/sarai", "instance", "--source-url=s3://bucket/models/",
                          "--state-directory=/state/instances/demo-AllTraffic-1",
                          "--instance-memory=16", "--instance-disk=32", "--http-address=127.0.0.1",
                          "--http-port=0", "--grpc-port=0", "--metrics-port=0",
                          "--instance-id=demo-AllTraffic-1", "--s3-endpoint=http://127.0.0.1:9"));
  EXPECT_THAT(command.environment, ElementsAre("A=model", "B=own"));
}

TEST(InstanceCommand, SaysWhenTheSourceIsOneModel) {
  const auto command = CommandOf({.id = "i", .multi_model = false}, {}, "/d");
  EXPECT_THAT(command.arguments, Contains("--single-model"));
}

TEST(InstanceCommand, FindsTheAddressInTheReadyLineOnly) {
  EXPECT_EQ(AddressInReadyLine("sarai: ready http=127.0.0.1:41 metrics=127.0.0.1:42"),
            "127.0.0.1:41");
  EXPECT_EQ(AddressInReadyLine("sarai: ready grpc=127.0.0.1:43 http=127.0.0.1:41\r"),
            "127.0.0.1:41");
  for (const char* const line : {"", "sarai: ready", "sarai: ready ", "sarai: ready http=",
                                 "sarai: ready grpc=127.0.0.1:43", "INFO sarai: ready http=a:1"})
    EXPECT_FALSE(AddressInReadyLine(line)) << line;
}

// Runs shell scripts in place of `sarai`; events are waited for, never slept for.
class ProviderTest : public testing::Test {
 protected:
  void Run(const std::string& script,
           std::chrono::milliseconds patience = std::chrono::seconds(30)) {
    const fs::path program = directory_.path() / "program";
    std::ofstream(program) << "#!/bin/sh\n" << script << "\n";
    fs::permissions(program, fs::perms::owner_all);
    RunProgram(program.string(), patience);
  }

  void RunProgram(const std::string& program, std::chrono::milliseconds patience) {
    LaunchOptions options{
        .executable = program,
        .environment = {{"PATH", "/usr/bin:/bin"}, {"HERE", directory_.path().string()}},
        .max_log_bytes = 64,
        .stop_patience = patience};
    auto provider = MakeProcessProvider(
        directory_.path().string(), std::move(options),
        {.on_address = [this](std::string id, std::string address) { Note(id + " at " + address); },
         .on_exit = [this](std::string id, std::string how) { Note(id + " ended: " + how); }});
    ASSERT_TRUE(provider) << provider.error().ToString();
    provider_ = std::move(*provider);
  }

  void Note(std::string event) {
    std::lock_guard lock(mu_);
    events_.push_back(std::move(event));
    changed_.notify_all();
  }

  std::string NextEvent() {
    std::unique_lock lock(mu_);
    if (!changed_.wait_for(lock, std::chrono::seconds(60), [&] { return seen_ < events_.size(); }))
      return "nothing happened";
    return events_[seen_++];
  }

  std::string Read(const fs::path& file) {
    std::ifstream in(file);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  ScratchDirectory directory_;
  std::mutex mu_;
  std::condition_variable changed_;
  std::vector<std::string> events_;  // guarded by mu_
  size_t seen_ = 0;                  // guarded by mu_
  std::unique_ptr<InstanceProvider> provider_;
};

TEST_F(ProviderTest, TellsTheAddressAndTheEnd) {
  Run("echo hello\necho 'sarai: ready http=127.0.0.1:41'\nread line < /dev/zero");
  provider_->Start({.id = "a"});
  EXPECT_EQ(NextEvent(), "a at 127.0.0.1:41");
  provider_->Kill("a");
  EXPECT_EQ(NextEvent(), "a ended: killed by signal 9 (Killed)");
}

TEST_F(ProviderTest, StopsPolitely) {
  Run("trap 'exit 7' TERM\necho 'sarai: ready http=h:1'\nwhile :; do sleep 1000 & wait; done");
  provider_->Start({.id = "a"});
  EXPECT_EQ(NextEvent(), "a at h:1");
  provider_->Stop("a");
  EXPECT_EQ(NextEvent(), "a ended: exit status 7");
}

TEST_F(ProviderTest, KillsWhatDoesNotHeedTheSignal) {
  Run("trap '' TERM\necho 'sarai: ready http=h:1'\nexec tail -f /dev/null",
      std::chrono::milliseconds(1));
  provider_->Start({.id = "a"});
  EXPECT_EQ(NextEvent(), "a at h:1");
  provider_->Stop("a");
  EXPECT_EQ(NextEvent(), "a ended: killed by signal 9 (Killed)");
}

TEST_F(ProviderTest, ReportsAProgramThatCannotBeRun) {
  RunProgram((directory_.path() / "no-such-program").string(), std::chrono::seconds(30));
  provider_->Start({.id = "a"});
  EXPECT_EQ(NextEvent(),
            fmt::format("a ended: exit status 127: sarai: cannot run {}/no-such-program",
                        directory_.path().string()));
}

TEST_F(ProviderTest, TellsTheLastLineOfThisRunOnly) {
  Run("cd \"$HERE\"\ntest -e first && exit 4\ntouch first\necho begin >&2\necho the reason "
      ">&2\nexit 3");
  provider_->Start({.id = "a"});
  EXPECT_EQ(NextEvent(), "a ended: exit status 3: the reason");
  provider_->Start({.id = "a"});
  EXPECT_EQ(NextEvent(), "a ended: exit status 4");
}

TEST_F(ProviderTest, KeepsTheLogAndSetsALongOneAside) {
  Run("echo a line that is somewhat longer than sixty-four bytes, to be set aside >&2");
  for (int i = 0; i < 2; ++i) {
    provider_->Start({.id = "a"});
    EXPECT_THAT(NextEvent(), HasSubstr("a ended: exit status 0"));
  }
  EXPECT_THAT(Read(provider_->LogOf("a")), HasSubstr("set aside"));
  EXPECT_THAT(Read(provider_->LogOf("a") + ".1"), HasSubstr("set aside"));
}

TEST_F(ProviderTest, EndsAllWhenItIsShutDown) {
  Run("echo \"sarai: ready http=h:$$\"\nexec tail -f /dev/null");
  provider_->Start({.id = "a"});
  const std::string event = NextEvent();
  const pid_t pid = std::stoi(event.substr(event.rfind(':') + 1));
  ASSERT_EQ(kill(pid, 0), 0);
  provider_->Shutdown();
  EXPECT_NE(kill(pid, 0), 0) << "reaped, so its pid is nobody's";
}

// The same as above for the death of the whole program, without a chance to say goodbye.
TEST_F(ProviderTest, ChildrenDieWithTheProgramThatStartedThem) {
  Run("echo \"sarai: ready http=h:$$\"\nexec tail -f /dev/null");
  auto middle = ChildProcess::Spawn({std::string(SARAI_BUILD_DIR) + "/bin/control_test_instance",
                                     "--run-provider=" + directory_.path().string(),
                                     "--program=" + (directory_.path() / "program").string()},
                                    {}, STDERR_FILENO);
  ASSERT_TRUE(middle) << middle.error().ToString();
  pollfd ended{middle->exit_fd(), POLLIN, 0};
  ASSERT_EQ(poll(&ended, 1, 60'000), 1);
  ASSERT_EQ(middle->Reap(), "killed by signal 9 (Killed)");
  char address[64] = {};
  ASSERT_GT(read(middle->stdout_fd(), address, sizeof address - 1), 2);
  const fs::path child = fmt::format("/proc/{}/cmdline", std::stoi(address + 2));
  while (fs::exists(child) && !Read(child).empty()) std::this_thread::yield();
}

TEST_F(ProviderTest, ForgetsWhatIsNotKnown) {
  Run("exit 0");
  for (const char* const id : {"a", "b", ".trash-c"})
    fs::create_directories(directory_.path() / "instances" / id);
  provider_->ForgetAllBut({"a"});
  EXPECT_TRUE(fs::exists(directory_.path() / "instances" / "a"));
  EXPECT_FALSE(fs::exists(directory_.path() / "instances" / "b"));
  provider_->Forget("a");
  EXPECT_FALSE(fs::exists(directory_.path() / "instances" / "a"));
}

}  // namespace
}  // namespace sarai::control
