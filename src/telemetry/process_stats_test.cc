#include "telemetry/process_stats.h"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>

#include "base/bytes.h"

namespace sarai::telemetry {
namespace {

// A number that no process has: one that has ended and was waited for.
pid_t EndedProcess() {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  ::waitpid(child, nullptr, 0);
  return child;
}

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "sarai-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

TEST(ProcessStats, TouchedMemoryIsAnonymous) {
  constexpr size_t kSize = 64 * kMiB;
  const uint64_t before = AnonymousBytes(::getpid()).value();
  void* memory = ::mmap(nullptr, kSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  std::memset(memory, 1, kSize);
  EXPECT_GE(AnonymousBytes(::getpid()).value(), before + kSize * 9 / 10);
  ::munmap(memory, kSize);
}

TEST(ProcessStats, MappedFileIsNotAnonymous) {
  const TemporaryFolder folder;
  constexpr size_t kSize = 32 * kMiB;
  const auto file = folder.path() / "weights";
  std::ofstream(file, std::ios::binary) << std::string(kSize, 'w');
  FILE* stream = std::fopen(file.c_str(), "re");
  ASSERT_NE(stream, nullptr);
  const uint64_t before = AnonymousBytes(::getpid()).value();
  void* memory = ::mmap(nullptr, kSize, PROT_READ, MAP_PRIVATE | MAP_POPULATE, ::fileno(stream), 0);
  ASSERT_NE(memory, MAP_FAILED);
  EXPECT_LT(AnonymousBytes(::getpid()).value(), before + kSize / 2);
  ::munmap(memory, kSize);
  std::fclose(stream);
}

TEST(ProcessStats, WorkTakesProcessorTime) {
  const double before = CpuSeconds(::getpid()).value();
  volatile uint64_t sum = 0;
  while (CpuSeconds(::getpid()).value() < before + 0.02) {
    for (int i = 0; i < 100000; ++i) sum = sum + static_cast<uint64_t>(i);
  }
  EXPECT_GT(CpuSeconds(::getpid()).value(), before);
}

TEST(ProcessStats, EndedProcessIsNotFound) {
  const pid_t pid = EndedProcess();
  EXPECT_EQ(AnonymousBytes(pid).error().code(), Code::kNotFound);
  EXPECT_EQ(CpuSeconds(pid).error().code(), Code::kNotFound);
}

TEST(ProcessStats, MachineHasMemoryAndProcessors) {
  EXPECT_GT(TotalMemoryBytes().value(), 64 * kMiB);
  EXPECT_GE(CpuCount(), 1);
}

TEST(ProcessStats, ShareOfBusyTimeIsOfTheTimeBetween) {
  const CpuTimes now = MachineCpuTimes().value();
  EXPECT_GT(now.busy, 0u);
  EXPECT_GT(now.total, now.busy);
  EXPECT_LE(AvailableMemoryBytes().value(), TotalMemoryBytes().value());
  EXPECT_DOUBLE_EQ(BusyShare({.busy = 10, .total = 100}, {.busy = 40, .total = 200}), 0.3);
  EXPECT_DOUBLE_EQ(BusyShare(now, now), 0);
}

TEST(ProcessStats, FileSystemHasRoomAndAMissingPathIsAnError) {
  const TemporaryFolder folder;
  const DiskUsage usage = FileSystemUsage(folder.path().string()).value();
  EXPECT_GT(usage.total_bytes, 0u);
  EXPECT_LE(usage.available_bytes, usage.total_bytes);
  EXPECT_EQ(FileSystemUsage("/nonexistent/path").error().code(), Code::kNotFound);
}

}  // namespace
}  // namespace sarai::telemetry
